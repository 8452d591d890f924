"""Carries the outbox to where others read it: tasks into their queues, events into the streams.

How far it has come is kept there, not here, and moves in the same step as what is carried: so a
relay that dies loses nothing and repeats nothing, and a server that comes back empty, or as it was
a second ago, gets all that it lacks again, as far as the outbox still holds it. The reference model
is `tests/simulation/model/feed.py`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol

import msgspec
import structlog

from meeting.kernel.errors import Fault, Kind
from meeting.kernel.message import Entry, Message

BATCH = 256
IDLE_SECONDS = 1.0
LONGEST_PAUSE = 2.0

log = structlog.get_logger(__name__)


class Posted(msgspec.Struct, frozen=True):
    """A message at its place in the outbox; places rise in commit order."""

    position: int
    message: Message


def entries(consumer: str, topic: str, before: int, found: Sequence[Posted]) -> list[Entry]:
    """Return messages as a consumer sees them that stands at `before`."""
    places = [before, *(each.position for each in found)]
    return [
        Entry(
            consumer=consumer,
            topic=topic,
            before=str(previous),
            after=str(each.position),
            message=each.message,
        )
        for previous, each in zip(places, found, strict=False)
    ]


class Outbox(Protocol):
    """The outbox of the rows, whichever topic."""

    async def after(self, position: int, limit: int) -> Sequence[Posted]:
        """Return what is kept behind a position, in commit order."""
        ...

    async def end(self) -> int:
        """Return the last position that was given out; 0 where there was none."""
        ...

    async def wait(self, seconds: float) -> None:
        """Return when the outbox may have grown since the last `after`, or after `seconds`."""
        ...


class Carrier(Protocol):
    """Where the outbox is carried to."""

    async def position(self) -> int:
        """Return how far it has come there; 0 where nothing is."""
        ...

    async def carry(self, before: int, batch: Sequence[Posted]) -> bool:
        """Take a batch and move the position behind it, in one step.

        False, and nothing is taken, where the position is not `before`: another relay was faster,
        or what is there was not carried by one, and is thrown away as by `forget`.
        """
        ...

    async def forget(self, before: int) -> None:
        """Throw away the streams and the position, if it is `before`: all is carried anew."""
        ...


class Relay:
    """One reader of the outbox; several at once do no harm."""

    def __init__(
        self,
        outbox: Outbox,
        carrier: Carrier,
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._outbox = outbox
        self._carrier = carrier
        self._pause = pause
        self.level = False
        """Whether the last look left nothing to carry: who reads there misses nothing for long."""

    async def run(self) -> None:
        """Carry until cancelled; stores that are away are waited for, never given up."""
        pause = 0.1
        while True:
            try:
                progressed = await self.step()
                pause = 0.1
                if not progressed:
                    await self._outbox.wait(IDLE_SECONDS)
            except Fault as fault:
                if fault.kind is not Kind.UNAVAILABLE:
                    raise
                log.warning("relay waits", reason=str(fault))
                await self._pause(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def step(self) -> bool:
        """Carry what is there, a batch at most; False when there was nothing."""
        try:
            before = await self._carrier.position()
            batch = await self._outbox.after(before, BATCH)
            if not batch:
                self.level = not await self._foreign(before)
                return not self.level
            carried = await self._carrier.carry(before, batch)
        except Fault:
            self.level = False
            raise
        if not carried:
            log.info("another relay was faster")
        # Who was only slower knows no more than before, unless more is left than one batch.
        self.level = len(batch) < BATCH and (carried or self.level)
        return True

    async def _foreign(self, before: int) -> bool:
        """See whether a position was never given out here; then it is another database's."""
        if before <= await self._outbox.end():
            return False
        log.error("the position in Redis is not of this database: all is carried anew")
        await self._carrier.forget(before)
        return True
