"""Hears that something came into a queue, from our own producers at once, from others soon."""

import asyncio
from collections.abc import Sequence

from meeting.kernel.errors import Fault
from meeting.transports.redis.connection import Connection

LOOK_SECONDS = 0.1
"""How soon a message is noticed whose producer gives no hint, and what is due or over."""


class Ear:
    """One blocking read for all queues that are waited for, shared by who waits.

    It ends by itself, so a worker that stops waiting leaves its connection as it was.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._heard: dict[str, bytes] = {}
        """The last hint of each queue; a queue that is not in it was never waited for."""
        self._growth: dict[str, int] = {}
        self._known: dict[str, int] = {}
        """How often each queue had grown when it was last taken from."""
        self._read: asyncio.Task[None] | None = None

    def taken(self, queue: str) -> None:
        """Note that a queue is looked into now: what came before is no news any more."""
        self._known[queue] = self._growth.get(queue, 0)

    async def wait(self, queues: Sequence[str], seconds: float) -> None:
        """Return when one of the queues may have something, after `LOOK_SECONDS` at the latest."""
        for queue in queues:
            self._heard.setdefault(queue, b"0")
        if any(self._growth.get(each, 0) != self._known.get(each, 0) for each in queues):
            return
        if self._read is None or self._read.done():
            self._read = asyncio.create_task(self._listen(), name="queue.hints")
            self._read.add_done_callback(_seen)
        done, _ = await asyncio.wait({self._read}, timeout=min(seconds, LOOK_SECONDS))
        for each in done:
            each.result()

    async def close(self) -> None:
        """Let the read that is on its way end."""
        if self._read is not None:
            self._read.cancel()
            await asyncio.wait({self._read})

    async def _listen(self) -> None:
        queues = list(self._heard)
        words: list[str | bytes | float] = ["XREAD", "BLOCK", int(LOOK_SECONDS * 1000), "STREAMS"]
        words += [f"{queue}:hint" for queue in queues]
        words += [self._heard[queue] for queue in queues]
        found = await self._connection.block(LOOK_SECONDS, *words)
        for key, entries in found or ():
            queue = key.decode().removesuffix(":hint")
            self._heard[queue] = entries[-1][0]
            self._growth[queue] = self._growth.get(queue, 0) + 1


def _seen(read: asyncio.Task[None]) -> None:
    """Take note of an error also where nobody waits any more; the next one asks again."""
    if not read.cancelled() and isinstance(read.exception(), Fault):
        return
