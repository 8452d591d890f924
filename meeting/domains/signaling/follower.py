"""Reads what changes in all rooms, from whichever process, and tells the members that are here."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from meeting.domains.signaling.changes import KINDS, TOPIC
from meeting.domains.signaling.rooms import Rooms
from meeting.kernel.errors import Fault
from meeting.kernel.tail import Tail

IDLE_SECONDS = 1.0
"""How long a lost wake-up may go unnoticed."""
LONGEST_PAUSE = 2.0
BATCH = 200

log = structlog.get_logger(__name__)


class Follower:
    """The reader of one process. It begins at the end of the log, before there is any socket."""

    def __init__(
        self,
        tail: Tail,
        rooms: Rooms,
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._tail = tail
        self._rooms = rooms
        self._pause = pause
        self._position = 0
        self._begun = asyncio.Event()

    async def begin(self) -> None:
        """Go to the end of the log."""
        self._position = await self._tail.end()
        self._begun.set()

    async def run(self) -> None:
        """Follow until cancelled; stores that are away are waited for."""
        await self._begun.wait()
        pause = 0.1
        while True:
            try:
                progressed = await self.step()
                pause = 0.1
                if not progressed:
                    await self._tail.wait(TOPIC, IDLE_SECONDS)
            except Fault as fault:
                log.warning("rooms wait for news", kind=fault.kind)
                await self._pause(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def step(self) -> bool:
        """Tell what there is to tell; False when there was nothing."""
        found = await self._tail.after(TOPIC, self._position, BATCH)
        for each in found:
            self._position = each.position
            if (kind := KINDS.get(each.message.type)) is not None:
                self._rooms.hear(kind.read(each.message), final=True)
        return bool(found)
