"""Seats that are taken and given back by task, for producers that are no clients of ours."""

from meeting.domains.meeting.attendance import Attendance
from meeting.domains.meeting.people import People
from meeting.domains.meeting.ports import MeetingUnit
from meeting.domains.meeting.tasks import JoinMeeting, LeaveMeeting
from meeting.kernel.call import Call, Caller
from meeting.kernel.ports import Units
from meeting.kernel.work import Work


class Joiner:
    """Handles `meeting.user_join`: as a join by REST without a password."""

    def __init__(self, attendance: Attendance) -> None:
        self._attendance = attendance

    async def __call__(self, task: JoinMeeting, work: Work) -> None:
        """Take the seat, or refuse it as the user would be refused."""
        await self._attendance.admit(_call(work), task.user_id, task.meeting_id, held=work.held)


class Leaver:
    """Handles `meeting.user_leave`: as leaving by REST."""

    def __init__(
        self, *, units: Units[MeetingUnit], attendance: Attendance, people: People
    ) -> None:
        self._units = units
        self._attendance = attendance
        self._people = people

    async def __call__(self, task: LeaveMeeting, work: Work) -> None:
        """Give the seat back; who has none must at least be somebody."""
        async with self._units.read() as unit:
            seat = await unit.seat(task.meeting_id, task.user_id)
        if seat is None:
            await self._people.person(_call(work), task.user_id)
        await self._attendance.dismiss(task.user_id, task.meeting_id, held=work.held)


def _call(work: Work) -> Call:
    """Make the call of a task; whom it names is not asked whether they want it."""
    return Call(caller=Caller(service="meeting"), request_id=work.held.letter.id)
