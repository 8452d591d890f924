"""What signalling does when others announce something: told to rooms, or sockets are closed.

Effects are on the sockets of this process, so each process reads the log for itself, from where it
ended at the start: a socket is always younger than that, and whatever happened before was looked
at when it was let in. A process that dies between an effect and its commit has no sockets left, so
only a store that fails has one told twice.
"""

import asyncio

from meeting.domains.meeting.events import TOPIC as MEETINGS, MeetingEnded, UserJoined, UserLeft
from meeting.domains.signaling.ports import SignalingUnit
from meeting.domains.signaling.presence import Presence
from meeting.domains.signaling.seats import Seats
from meeting.domains.user.events import TOPIC as USERS, UserRevoked
from meeting.kernel.consumer import Consumer
from meeting.kernel.message import Entry
from meeting.kernel.ports import Feed, Units


class Reactions:
    """The consumers of one process; `name` is its own and stays the same over restarts."""

    def __init__(
        self,
        *,
        name: str,
        feed: Feed,
        units: Units[SignalingUnit],
        presence: Presence,
        seats: Seats,
    ) -> None:
        self.begun = asyncio.Event()
        self._name = name
        self._units = units
        self._presence = presence
        self._seats = seats
        self.meetings = Consumer(
            name,
            MEETINGS,
            feed=feed,
            units=units,
            effects={
                UserJoined: self._user_joined,
                UserLeft: self._user_left,
                MeetingEnded: self._ended,
            },
            together=1,
        )
        self.users = Consumer(
            name,
            USERS,
            feed=feed,
            units=units,
            effects={UserRevoked: self._revoked},
            together=1,
        )

    async def begin(self) -> None:
        """Go to the end of the log; until then there must be no socket."""
        async with self._units.write() as unit:
            for topic in (MEETINGS, USERS):
                await unit.jump(self._name, topic)
        self.begun.set()

    async def run(self, consumer: Consumer) -> None:
        """Read on from there."""
        await self.begun.wait()
        await consumer.run()

    async def _user_joined(self, event: UserJoined, _entry: Entry) -> None:
        await self._presence.announce(
            event.meeting_id, event.user_id, event.username, event.joined_at
        )

    async def _user_left(self, event: UserLeft, _entry: Entry) -> None:
        await self._presence.dismiss(event.meeting_id, event.user_id, event.reason, event.left_at)

    async def _ended(self, event: MeetingEnded, _entry: Entry) -> None:
        await self._presence.close_room(event.meeting_id)

    async def _revoked(self, event: UserRevoked, _entry: Entry) -> None:
        self._seats.revoke(event.user_id, event.jti, f"the token was revoked: {event.reason}")
