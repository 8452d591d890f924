"""Keeps the outbox for a window of time, and no reader from what it has not read yet."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping
from datetime import timedelta
from typing import Protocol

import structlog

from meeting.kernel.errors import Fault

LOOK_SECONDS = 60.0

log = structlog.get_logger(__name__)


class Keeper(Protocol):
    """The outbox, as far as it is kept."""

    async def trim(self, kept: timedelta, carried: int | None) -> Mapping[str, int]:
        """Forget what is older and has been read by all, and carried as far as `carried`.

        A task stays while it has not ended where it was carried to: that may come back empty.

        The first position of each topic that is left; None: nothing carries it.
        """
        ...


class Stream(Protocol):
    """Where the outbox is carried to."""

    async def position(self) -> int:
        """Return how far it has come there."""
        ...

    async def trim(self, firsts: Mapping[str, int]) -> None:
        """Forget what lies before the first position of each topic."""
        ...


class Queues(Protocol):
    """Where tasks are carried to, if not into rows."""

    async def left(
        self, queue: str, ids: Collection[str], carried: int
    ) -> tuple[Collection[str], float]:
        """Return which of these tasks may not have ended yet, by id.

        About when the oldest that waits was written, in Unix seconds, comes second, infinite where
        nothing tells: behind it there is little to forget. All, and 0, where less is there by now
        than was `carried`: then they may be lost, and are carried anew.
        """
        ...


class Window:
    """Run by the module of the stores as a background task; several at once do no harm."""

    def __init__(
        self,
        keeper: Keeper,
        stream: Stream | None,
        kept: timedelta,
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._keeper = keeper
        self._stream = stream
        self._kept = kept
        self._pause = pause

    async def run(self) -> None:
        """Trim now and then until cancelled; what can't be done now is done next time."""
        while True:
            await self._pause(LOOK_SECONDS)
            try:
                await self.step()
            except Fault as fault:
                log.warning("nothing old is forgotten", reason=str(fault))

    async def step(self) -> None:
        """Forget what is too old and needed by nobody."""
        carried = None if self._stream is None else await self._stream.position()
        firsts = await self._keeper.trim(self._kept, carried)
        if self._stream is not None:
            await self._stream.trim(firsts)
