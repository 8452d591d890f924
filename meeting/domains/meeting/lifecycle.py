"""Starting and ending meetings."""

from datetime import datetime

from meeting.domains.meeting import rules
from meeting.domains.meeting.model import Meeting, Status
from meeting.domains.meeting.ports import MeetingUnit
from meeting.domains.meeting.tasks import EndMeeting
from meeting.kernel.call import Call
from meeting.kernel.clock import Clock
from meeting.kernel.ports import Units


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
    """Carries a meeting through its states; both verbs may be repeated without effect."""

    def __init__(self, *, units: Units[MeetingUnit], clock: Clock) -> None:
        self._units = units
        self._clock = clock

    async def start(self, call: Call, meeting_id: int) -> Meeting:
        """Start a scheduled meeting, for its host."""
        async with self._units.write() as unit:
            meeting = await self._hosted(unit, call, meeting_id)
            invited = await unit.invited(meeting_id)
            after, event = rules.start(meeting, self._clock.now(), invited)
            if event is not None:
                await unit.save(after)
                unit.append(event)
            return after

    async def end(self, call: Call, meeting_id: int) -> Meeting:
        """End an active meeting, for its host; its participants are left."""
        async with self._units.write() as unit:
            meeting = await self._hosted(unit, call, meeting_id)
            if meeting.status is Status.ENDED:
                return meeting
            after = await finish(unit, meeting, self._clock.now())
            task = EndMeeting(meeting_id=meeting_id, end_time=after.actual_end_time)
            unit.enqueue(task, key=task.key(0))
            return after

    async def _hosted(self, unit: MeetingUnit, call: Call, meeting_id: int) -> Meeting:
        caller = call.caller.user_id
        found = await unit.meeting(meeting_id, lock=True)
        meeting = rules.seen(found, await unit.seat(meeting_id, caller))
        rules.hosts(meeting, caller)
        return meeting
