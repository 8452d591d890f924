"""The room of a meeting: prepared when the meeting is made, released when it is over.

Its state tells clients and operators that the house has done its part; nobody is kept out by it.
"""

import msgspec

from meeting.domains.meeting import rights, rules
from meeting.domains.meeting.model import Meeting, RoomStatus, Status
from meeting.domains.meeting.ports import MeetingUnit
from meeting.domains.meeting.tasks import CreateMeeting
from meeting.kernel.call import Call
from meeting.kernel.ports import Units
from meeting.kernel.work import Work


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """A room as members see it."""

    meeting: Meeting
    status: RoomStatus


class Rooms:
    """Shows a room to the members of its meeting; the host prepares and releases it."""

    def __init__(self, units: Units[MeetingUnit]) -> None:
        self._units = units

    async def get(self, call: Call, meeting_id: int) -> Room:
        """Return the room, for a member."""
        async with self._units.read() as unit:
            seat = await unit.seat(meeting_id, call.caller.user_id)
            meeting = rights.seen(await unit.meeting(meeting_id), seat)
            rights.belongs(seat)
            return Room(meeting=meeting, status=await unit.rooms.status(meeting_id))

    async def prepare(self, call: Call, meeting_id: int) -> Room:
        """Make the room ready, for the host; a meeting that is over gets none."""
        async with self._units.write() as unit:
            meeting = await self._hosted(unit, call, meeting_id)
            rules.open_room(meeting)
            return await self._set(unit, meeting, RoomStatus.READY)

    async def release(self, call: Call, meeting_id: int) -> Room:
        """Release the room, for the host, but not while the meeting is active."""
        async with self._units.write() as unit:
            meeting = await self._hosted(unit, call, meeting_id)
            rules.close_room(meeting)
            return await self._set(unit, meeting, RoomStatus.RELEASED)

    async def _hosted(self, unit: MeetingUnit, call: Call, meeting_id: int) -> Meeting:
        caller = call.caller.user_id
        found = await unit.meeting(meeting_id, lock=True)
        meeting = rights.seen(found, await unit.seat(meeting_id, caller))
        rights.hosts(meeting, caller)
        return meeting

    async def _set(self, unit: MeetingUnit, meeting: Meeting, status: RoomStatus) -> Room:
        await unit.rooms.set(meeting.id, status)
        return Room(meeting=meeting, status=status)


class RoomMaker:
    """Handles `meeting.create`; it never makes a meeting, and repeated it does nothing."""

    def __init__(self, units: Units[MeetingUnit]) -> None:
        self._units = units

    async def __call__(self, task: CreateMeeting, work: Work) -> None:
        """Make a room ready that nobody has touched yet; one that was released stays so."""
        async with self._units.write() as unit:
            meeting = rights.known(await unit.meeting(task.meeting_id, lock=True))
            over = meeting.status in (Status.ENDED, Status.CANCELLED)
            if not over and await unit.rooms.status(meeting.id) is RoomStatus.PENDING:
                await unit.rooms.set(meeting.id, RoomStatus.READY)
            await unit.settle(work.held)
