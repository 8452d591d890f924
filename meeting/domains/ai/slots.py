"""Room for work: so many requests run, so many wait, the rest are told at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from meeting.kernel.errors import Fault, Kind


class Slots:
    """Bounds how many requests run and how many wait for their turn."""

    def __init__(self, running: int, waiting: int) -> None:
        self._turns = asyncio.Semaphore(running)
        self._room = running + waiting
        self._inside = 0

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Wait for a turn and hold it; `ai_unavailable` where too many wait already."""
        if self._inside >= self._room:
            raise Fault(
                Kind.AI_UNAVAILABLE,
                "too many requests wait for analysis; try again in a moment",
                details={"reason": "overloaded"},
                retry_after=1,
                passing=True,
            )
        self._inside += 1
        try:
            async with self._turns:
                yield
        finally:
            self._inside -= 1
