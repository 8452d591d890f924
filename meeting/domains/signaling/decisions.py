"""What a meeting decides about its room: who takes part, who does so no longer, and its end.

One process of all handles each event, in the unit in which the reader's cursor moves, so it has its
effect once; what becomes of it stands in the log of the rooms, where every process finds it.
"""

from datetime import datetime

from meeting.domains.meeting.events import TOPIC, MeetingEnded, UserJoined, UserLeft
from meeting.domains.signaling import register
from meeting.domains.signaling.changes import SeatTaken
from meeting.domains.signaling.model import Timings, owner, parted, prefix
from meeting.domains.signaling.ports import SignalingUnit
from meeting.kernel.clock import Clock
from meeting.kernel.consumer import Consumer
from meeting.kernel.ids import room_of
from meeting.kernel.message import Entry
from meeting.kernel.ports import Feed, Units

NAME = "signaling"


class Decisions:
    """Handles `meeting_events`."""

    def __init__(
        self, *, feed: Feed, units: Units[SignalingUnit], clock: Clock, timings: Timings
    ) -> None:
        self._clock = clock
        self._timings = timings
        self.consumer = Consumer(
            NAME,
            TOPIC,
            feed=feed,
            units=units,
            handlers={
                UserJoined: self._user_joined,
                UserLeft: self._user_left,
                MeetingEnded: self._ended,
            },
            together=1,
        )

    async def _user_joined(self, unit: SignalingUnit, event: UserJoined, _entry: Entry) -> None:
        """Tell a room of somebody who took a seat without a socket, and has not left since."""
        room_id = room_of(event.meeting_id)
        if await unit.leases.list(prefix(room_id), owner=owner(event.user_id)):
            return
        mark = await unit.leases.get(parted(room_id, event.user_id))
        if mark is not None and datetime.fromisoformat(mark.value["at"]) >= event.joined_at:
            return
        taken = SeatTaken(
            room_id=room_id,
            meeting_id=event.meeting_id,
            version=await unit.version(room_id),
            user_id=event.user_id,
            username=event.username,
        )
        unit.append(taken)

    async def _user_left(self, unit: SignalingUnit, event: UserLeft, _entry: Entry) -> None:
        room = await register.open_(unit, room_of(event.meeting_id), self._clock, self._timings)
        await room.dismiss(event.user_id, event.reason, event.left_at)
        await room.write()

    async def _ended(self, unit: SignalingUnit, event: MeetingEnded, _entry: Entry) -> None:
        room = await register.open_(unit, room_of(event.meeting_id), self._clock, self._timings)
        await room.clear("meeting_ended")
