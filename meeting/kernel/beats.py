"""Signs of life for tasks at hand, so that a hold lasts as long as the work does."""

import asyncio
from collections.abc import Iterable, Mapping
from contextlib import suppress

import structlog

from meeting.kernel.errors import Fault
from meeting.kernel.letter import Held
from meeting.kernel.queue import Queue

BEATS = 3
"""Signs of life within the time that a hold lasts."""
SLOWEST_BEAT = 10.0
log = structlog.get_logger(__name__)


class Beats:
    """Gives signs of life in time for the shortest hold, and stops whatever has lost its own."""

    def __init__(self, name: str, queue: Queue, at_hand: Mapping[asyncio.Task[None], Held]) -> None:
        self._name = name
        self._queue = queue
        self._at_hand = at_hand
        self._due = 0.0
        """When the next sign is given, by the loop's time."""
        self._sooner = asyncio.Event()

    def begun(self, held: Iterable[Held]) -> None:
        """See that the next sign comes in time for these too; most often it does anyhow."""
        due = asyncio.get_running_loop().time() + _span(held)
        if due < self._due:
            self._due = due
            self._sooner.set()

    async def run(self) -> None:
        """Give signs until cancelled; what begins while one is given may need the next one soon."""
        now = asyncio.get_running_loop().time
        self._due = now() + _span(self._at_hand.values())
        while True:
            self._sooner.clear()
            with suppress(TimeoutError):
                async with asyncio.timeout_at(self._due):
                    await self._sooner.wait()
            if not self._sooner.is_set():
                self._due = now() + SLOWEST_BEAT
                await self._beat()
                self.begun(self._at_hand.values())

    async def _beat(self) -> None:
        at_hand = list(self._at_hand.items())
        if not at_hand:
            return
        try:
            lost = await self._queue.extend([held for _, held in at_hand])
        except Fault as fault:
            log.warning("no sign of life could be given", queue=self._name, reason=str(fault))
            return
        gone = {(each.letter.id, each.fence) for each in lost}
        for task, held in at_hand:
            if (held.letter.id, held.fence) in gone and not task.done():
                log.warning("hold lost", queue=self._name, type=held.letter.type)
                task.cancel()


def _span(held: Iterable[Held]) -> float:
    """Return after how many seconds the next sign is due."""
    return min((SLOWEST_BEAT, *(each.letter.hold / BEATS for each in held)))
