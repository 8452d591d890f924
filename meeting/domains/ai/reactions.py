"""What ends the audio streams of this process: tokens and meetings that are over, users who leave.

Streams live in one process, so each process reads the log for itself, from where it ended at the
start, as signalling does: until then no stream begins, and what was over before lets none in.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from meeting.domains.ai.ports import AiUnit
from meeting.domains.ai.running import Running
from meeting.domains.meeting.events import TOPIC as MEETINGS, MeetingEnded, UserLeft
from meeting.domains.user.events import TOPIC as USERS, UserRevoked
from meeting.kernel.consumer import Consumer
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.message import Entry
from meeting.kernel.ports import Feed, Units

PULSE_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Reactions:
    """The consumers of one process; `name` is its own and stays the same over restarts."""

    def __init__(self, *, name: str, feed: Feed, units: Units[AiUnit], running: Running) -> None:
        self.begun = asyncio.Event()
        self._name = name
        self._units = units
        self._running = running
        self.meetings = Consumer(
            name,
            MEETINGS,
            feed=feed,
            units=units,
            effects={MeetingEnded: self._ended, UserLeft: self._left},
        )
        self.users = Consumer(
            name, USERS, feed=feed, units=units, effects={UserRevoked: self._revoked}
        )

    async def start(self) -> None:
        """Go to the end of the log and let streams begin, unless the store is away."""
        try:
            async with self._units.write() as unit:
                for topic in (MEETINGS, USERS):
                    await unit.jump(self._name, topic)
        except Fault as fault:
            if fault.kind is not Kind.UNAVAILABLE:
                raise
            log.warning("streams wait for the store")
            return
        self._running.open()
        self.begun.set()

    async def prepare(self) -> None:
        """Begin as soon as the store is there."""
        while not self.begun.is_set():
            await asyncio.sleep(PULSE_SECONDS)
            await self.start()

    def background(self) -> tuple[Callable[[], Coroutine[Any, Any, None]], ...]:
        """Return what must run while streams do."""
        return (
            lambda: self._run(self.meetings),
            lambda: self._run(self.users),
            self._pulse,
        )

    async def _run(self, consumer: Consumer) -> None:
        await self.begun.wait()
        await consumer.run()

    async def _pulse(self) -> None:
        while True:
            self._running.pulse()
            await asyncio.sleep(PULSE_SECONDS)

    async def _ended(self, event: MeetingEnded, _entry: Entry) -> None:
        self._running.close(event.meeting_id)

    async def _left(self, event: UserLeft, _entry: Entry) -> None:
        self._running.leave(event.meeting_id, event.user_id, event.left_at)

    async def _revoked(self, event: UserRevoked, _entry: Entry) -> None:
        self._running.revoke(event.user_id, event.jti)
