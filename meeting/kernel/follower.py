"""Follows one topic of the log from its end on, for what lives no longer than this process.

The place is kept in memory, so an event costs no commit, and is heard while Redis is away, too.
What is not heard before the process dies concerned what died with it. Nothing is told twice or
parked: an event that can't be read, or whose effect fails, costs a line, and the next one follows.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import msgspec
import structlog

from meeting.kernel.errors import Fault
from meeting.kernel.message import Event, Message
from meeting.kernel.tail import Tail

IDLE_SECONDS = 1.0
"""How long a lost wake-up may go unnoticed; well below the 5 s in which a logout closes sockets."""
LONGEST_PAUSE = 2.0
BATCH = 200

Effect = Callable[[Any], None]
"""Takes the decoded event; it changes what this process has in memory, and never waits."""

log = structlog.get_logger(__name__)


class Follower:
    """The one reader of a topic at its tail; run by its module as a background task."""

    def __init__(
        self,
        topic: str,
        tail: Tail,
        effects: Mapping[type[Event], Effect],
        *,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.topic = topic
        self.tail = tail
        self.begun = asyncio.Event()
        """Set when the end is known: whatever is made from now on misses nothing."""
        self.position = 0
        """Where it is; `Setback` brings it back with the log."""
        self._effects = {kind.TYPE: (kind, effect) for kind, effect in effects.items()}
        self._pause = pause

    async def begin(self) -> None:
        """Go to the end of the log, the first time."""
        if not self.begun.is_set():
            self.position = await self.tail.end()
            self.begun.set()

    async def run(self) -> None:
        """Follow from there until cancelled; stores that are away are waited for."""
        await self.begun.wait()
        pause = 0.1
        while True:
            try:
                progressed = await self.step()
                pause = 0.1
                if not progressed:
                    await self.tail.wait(self.topic, IDLE_SECONDS)
            except Fault as fault:
                log.warning("follower waits", topic=self.topic, reason=fault.kind)
                await self._pause(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def step(self) -> bool:
        """Take what is there now; False when there was nothing."""
        found = await self.tail.after(self.topic, self.position, BATCH)
        for each in found:
            self.position = each.position
            self._take(each.message)
        return bool(found)

    def _take(self, message: Message) -> None:
        if message.type not in self._effects:
            return
        kind, effect = self._effects[message.type]
        which = {"topic": self.topic, "type": message.type, "message_id": message.message_id}
        try:
            effect(kind.read(message))
        except msgspec.ValidationError as error:
            log.warning("event can't be read", reason=str(error), **which)
        except Exception:
            # Anybody may publish; what an event does here must not keep the others out.
            log.exception("event failed", **which)
