"""A task at hand, and what handles one."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from meeting.kernel.letter import Held
from meeting.kernel.queue import Queue


class Work:
    """A task at hand, as its handler sees it."""

    def __init__(self, held: Held, queue: Queue, limit: asyncio.Timeout) -> None:
        self.held = held
        self._queue = queue
        self._limit = limit

    async def alive(self, fraction: float) -> None:
        """Show how far it is, 0 to 1; the handler's time begins anew."""
        await self._queue.progress(self.held, fraction)
        self._limit.reschedule(asyncio.get_running_loop().time() + self.held.letter.timeout)


Handler = Callable[[Any, Work], Awaitable[None]]
"""Takes the decoded task and its work; calls `unit.settle(work.held)` in its own unit of work."""
