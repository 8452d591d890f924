"""Starting, ending and cancelling meetings."""

from datetime import datetime

from meeting.domains.meeting import rights, rules
from meeting.domains.meeting.model import Meeting, Status
from meeting.domains.meeting.ports import MeetingUnit
from meeting.domains.meeting.tasks import EndMeeting
from meeting.kernel.call import Call
from meeting.kernel.clock import Clock
from meeting.kernel.ports import Units


async def begin(unit: MeetingUnit, meeting: Meeting, now: datetime) -> Meeting:
    """Start a scheduled meeting; one that is active stays as it is."""
    after, event = rules.start(meeting, now, await unit.invited(meeting.id))
    if event is not None:
        await unit.save(after)
        unit.append(event)
    return after


async def finish(unit: MeetingUnit, meeting: Meeting, now: datetime) -> Meeting:
    """End an active meeting: its participants are left, and its report is wanted."""
    after, event = rules.end(meeting, now)
    if event is not None:
        await unit.save(after)
        await unit.clear(meeting.id, now)
        await unit.reports.begin(meeting.id)
        unit.append(event)
    return after


class Lifecycle:
    """Carries a meeting through its states; each step may be repeated without effect."""

    def __init__(self, *, units: Units[MeetingUnit], clock: Clock) -> None:
        self._units = units
        self._clock = clock

    async def start(self, call: Call, meeting_id: int) -> Meeting:
        """Start a scheduled meeting, for its host."""
        async with self._units.write() as unit:
            meeting = await self._hosted(unit, call, meeting_id)
            return await begin(unit, meeting, self._clock.now())

    async def end(self, call: Call, meeting_id: int) -> Meeting:
        """End an active meeting, for its host; its participants are left."""
        async with self._units.write() as unit:
            return await self._end(unit, await self._hosted(unit, call, meeting_id))

    async def move(self, meeting_id: int, status: Status) -> Meeting:
        """Bring a meeting into a state, for a service, as its host would."""
        async with self._units.write() as unit:
            meeting = rights.known(await unit.meeting(meeting_id, lock=True))
            match status:
                case Status.ACTIVE:
                    return await begin(unit, meeting, self._clock.now())
                case Status.ENDED:
                    return await self._end(unit, meeting)
                case Status.CANCELLED:
                    after = rules.cancel(meeting, self._clock.now())
                    if after is not meeting:
                        await unit.save(after)
                    return after
                case _:
                    rules.reschedule(meeting)
                    return meeting

    async def _end(self, unit: MeetingUnit, meeting: Meeting) -> Meeting:
        if meeting.status is Status.ENDED:
            return meeting
        after = await finish(unit, meeting, self._clock.now())
        task = EndMeeting(meeting_id=meeting.id, end_time=after.actual_end_time)
        unit.enqueue(task, key=task.key(0))
        return after

    async def _hosted(self, unit: MeetingUnit, call: Call, meeting_id: int) -> Meeting:
        caller = call.caller.user_id
        found = await unit.meeting(meeting_id, lock=True)
        meeting = rights.seen(found, await unit.seat(meeting_id, caller))
        rights.hosts(meeting, caller)
        return meeting
