"""What ends the audio streams of this process: tokens and meetings that are over, users who leave.

Streams live in one process, so each process follows the log for itself, from where it ended at the
start, as signalling does: until then no stream begins, and what was over before lets none in.
"""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import structlog

from meeting.domains.ai.running import Running
from meeting.domains.meeting.events import TOPIC as MEETINGS, MeetingEnded, UserLeft
from meeting.domains.user.events import TOPIC as USERS, UserRevoked
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.follower import Follower
from meeting.kernel.setback import Setback
from meeting.kernel.tail import Tail

PULSE_SECONDS = 1.0

log = structlog.get_logger(__name__)


class Reactions:
    """The followers of one process."""

    def __init__(self, *, tail: Tail, running: Running) -> None:
        self._running = running
        self.meetings = Follower(MEETINGS, tail, {MeetingEnded: self._ended, UserLeft: self._left})
        self.users = Follower(USERS, tail, {UserRevoked: self._revoked})
        self.setback = Setback(tail, (self.meetings, self.users), running.cut_off)

    @property
    def begun(self) -> bool:
        """Tell whether there may be streams."""
        return self.meetings.begun.is_set() and self.users.begun.is_set()

    async def start(self) -> None:
        """Go to the end of the log and let streams begin, unless the store is away."""
        try:
            await self.meetings.begin()
            await self.users.begin()
        except Fault as fault:
            if fault.kind is not Kind.UNAVAILABLE:
                raise
            log.warning("streams wait for the store")
            return
        self._running.open()

    async def prepare(self) -> None:
        """Begin as soon as the store is there."""
        while not self.begun:
            await asyncio.sleep(PULSE_SECONDS)
            await self.start()

    def background(self) -> tuple[Callable[[], Coroutine[Any, Any, None]], ...]:
        """Return what must run while streams do."""
        return self.meetings.run, self.users.run, self.setback.run, self._pulse

    async def _pulse(self) -> None:
        while True:
            self._running.pulse()
            await asyncio.sleep(PULSE_SECONDS)

    def _ended(self, event: MeetingEnded) -> None:
        self._running.close(event.meeting_id)

    def _left(self, event: UserLeft) -> None:
        self._running.leave(event.meeting_id, event.user_id, event.left_at)

    def _revoked(self, event: UserRevoked) -> None:
        self._running.revoke(event.user_id, event.jti)
