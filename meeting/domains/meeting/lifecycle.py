"""Starting and ending meetings."""

from meeting.domains.meeting import rules
from meeting.domains.meeting.model import Meeting
from meeting.domains.meeting.ports import MeetingUnit
from meeting.kernel.call import Call
from meeting.kernel.clock import Clock
from meeting.kernel.ports import Units


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
            now = self._clock.now()
            after, event = rules.end(meeting, now)
            if event is not None:
                await unit.save(after)
                await unit.clear(meeting_id, now)
                unit.append(event)
            return after

    async def _hosted(self, unit: MeetingUnit, call: Call, meeting_id: int) -> Meeting:
        caller = call.caller.user_id
        found = await unit.meeting(meeting_id, lock=True)
        meeting = rules.seen(found, await unit.seat(meeting_id, caller))
        rules.hosts(meeting, caller)
        return meeting
