"""Passwords of accounts and meetings: argon2id, in a small pool of its own.

One hash takes tens of milliseconds and tens of megabytes, so few run at once, few wait, and
whoever comes then is told to come again; nothing else ever waits behind them.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from argon2 import PasswordHasher, Type
from argon2.exceptions import InvalidHashError, VerificationError

from meeting.kernel.errors import Fault, Kind

R = TypeVar("R")

MEMORY_KIB = 32 * 1024
PASSES = 2
WORKERS = 2
WAITING = 32
NOBODY = f"$argon2id$v=19$m={MEMORY_KIB},t={PASSES},p=1${'A' * 22}${'A' * 43}"
"""The hash of no password that anybody knows, and to check one against it is the usual work."""


class Passwords:
    """Hashes passwords and checks them; `rate_limited` when too many wait already."""

    def __init__(self, workers: int = WORKERS, waiting: int = WAITING) -> None:
        self._hasher = PasswordHasher(
            time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=1, type=Type.ID
        )
        self._pool = ThreadPoolExecutor(workers, thread_name_prefix="argon2")
        self._free = workers + waiting

    async def hash(self, password: str) -> str:
        """Return the hash of a password, with its parameters and salt, below 255 characters."""
        return await self._run(lambda: self._hasher.hash(password))

    async def verify(self, hashed: str | None, password: str) -> bool:
        """Tell whether a password fits; None, for an account that is not there, never fits.

        All three outcomes take the same work.
        """
        return await self._run(lambda: self._fits(hashed, password))

    def close(self) -> None:
        """End the threads once their work is done."""
        self._pool.shutdown(wait=True, cancel_futures=True)

    def _fits(self, hashed: str | None, password: str) -> bool:
        try:
            # Whoever names an account that is not there waits as long as with one that is.
            self._hasher.verify(NOBODY if hashed is None else hashed, password)
        except (VerificationError, InvalidHashError):
            return False
        return hashed is not None

    async def _run(self, work: Callable[[], R]) -> R:
        if self._free <= 0:
            raise Fault(
                Kind.RATE_LIMITED,
                "too many passwords are being checked; try again in {seconds} s",
                retry_after=1,
                seconds=1,
            )
        loop = asyncio.get_running_loop()
        self._free -= 1
        future = loop.run_in_executor(self._pool, work)
        # A caller that gives up leaves its work behind: the place is free when that is done.
        future.add_done_callback(self._release)
        return await asyncio.shield(future)

    def _release(self, _: object) -> None:
        self._free += 1
