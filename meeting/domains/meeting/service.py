"""The face that other domains see: `MeetingApi`, on the use cases of this domain."""

from meeting.domains.meeting import rights, rules
from meeting.domains.meeting.api import ACTIVE, Access, AnalysisResult, MeetingInfo
from meeting.domains.meeting.attendance import Attendance
from meeting.domains.meeting.findings import Findings
from meeting.domains.meeting.lifecycle import Lifecycle
from meeting.domains.meeting.model import Meeting, Participant, Standing, Status
from meeting.domains.meeting.ports import MeetingUnit
from meeting.domains.meeting.schedule import Schedule
from meeting.kernel.call import Call
from meeting.kernel.errors import Fault, Kind, invalid
from meeting.kernel.ports import Units

_WAITING = "waiting for approval"
_STRANGER = "user not invited to meeting"
_STATES = {status.name.lower(): status for status in Status}
_REFUSED = {
    Kind.MEETING_NOT_FOUND: "meeting not found",
    Kind.MEETING_ENDED: "meeting is not active",
    Kind.MEETING_NOT_STARTED: "meeting is not active",
    Kind.MEETING_FULL: "meeting is full",
    Kind.BAD_MEETING_PASSWORD: "password required",
    Kind.FORBIDDEN: "user was removed",
    Kind.USER_NOT_FOUND: _STRANGER,
}


class MeetingService:
    """Answers the other domains; a service's word is taken, a user is held to the user's rules."""

    def __init__(
        self,
        *,
        units: Units[MeetingUnit],
        schedule: Schedule,
        attendance: Attendance,
        lifecycle: Lifecycle,
        findings: Findings,
    ) -> None:
        self._units = units
        self._schedule = schedule
        self._attendance = attendance
        self._lifecycle = lifecycle
        self._findings = findings

    async def get_meeting(self, call: Call, meeting_id: int) -> MeetingInfo:
        """Return a meeting; `meeting_not_found` where it is absent or hidden from the caller."""
        return _info(await self._schedule.get(call, meeting_id))

    async def validate_user_access(
        self, call: Call, user_id: int, meeting_id: int, *, admit: bool = False
    ) -> Access:
        """Tell whether a user may be in a meeting; `admit` joins the user first, as REST would."""
        if not call.caller.is_service and (admit or user_id != call.caller.user_id):
            raise Fault(Kind.FORBIDDEN, "a user may ask for themselves alone, and without admit")
        if not admit:
            async with self._units.read() as unit:
                meeting = await unit.meeting(meeting_id)
                return _access(meeting, await unit.seat(meeting_id, user_id))
        try:
            admission = await self._attendance.admit(call, user_id, meeting_id, online=True)
        except Fault as fault:
            if fault.kind not in _REFUSED:
                raise
            async with self._units.read() as unit:
                seat = await unit.seat(meeting_id, user_id)
            return _refused(seat, _REFUSED[fault.kind])
        seat = admission.participant
        if admission.waiting:
            return _refused(seat, _WAITING)
        return Access(has_access=True, role=_role(seat))

    async def update_meeting_status(
        self, call: Call, meeting_id: int, status: str, participant_count: int = 0
    ) -> None:
        """Bring a meeting into a state, as its host would by REST; for services alone."""
        call.caller.serves()
        await self._lifecycle.move(meeting_id, _status(status))

    async def get_active_meetings(self, call: Call) -> list[MeetingInfo]:
        """Return the meetings that go on, newest start first; for services alone."""
        call.caller.serves()
        async with self._units.read() as unit:
            return [_info(meeting) for meeting in await unit.active(ACTIVE)]

    async def save_ai_analysis_result(self, call: Call, result: AnalysisResult) -> None:
        """Keep a result by its key, in place of what is kept there; for services alone."""
        await self._findings.save(call, result)


def _status(name: str) -> Status:
    if (status := _STATES.get(name)) is None:
        raise invalid("status", "must be one of " + ", ".join(_STATES))
    return status


def _access(meeting: Meeting | None, seat: Participant | None) -> Access:
    """Judge without changing anything: the host and the joined are in, the others learn why not."""
    try:
        error = _barred(rights.seen(meeting, seat), seat)
    except Fault:
        return Access(has_access=False, error="meeting not found")
    return Access(has_access=not error, role=_role(seat), error=error)


def _barred(meeting: Meeting, seat: Participant | None) -> str:
    """Say what keeps a user out, the first reason that holds; empty for who may be in."""
    if seat is None:
        if meeting.status is not Status.ACTIVE:
            return "meeting is not active"
        return "password required" if meeting.has_password else _STRANGER
    host = seat.user_id == meeting.creator_id
    startable = host and meeting.status is Status.SCHEDULED
    reasons = (
        (seat.status in (Standing.KICKED, Standing.REJECTED), "user was removed"),
        (meeting.status is not Status.ACTIVE and not startable, "meeting is not active"),
        (host or seat.status is Standing.JOINED, ""),
        (seat.status is Standing.WAITING, _WAITING),
        (rules.needs_password(meeting, seat), "password required"),
        (meeting.joined >= meeting.max_participants, "meeting is full"),
        (True, _STRANGER),
    )
    return next(reason for holds, reason in reasons if holds)


def _refused(seat: Participant | None, error: str) -> Access:
    return Access(has_access=False, role=_role(seat), error=error)


def _role(seat: Participant | None) -> str:
    """Name the role of a member; nobody else has one."""
    return seat.role_name if seat is not None and seat.member else ""


def _info(meeting: Meeting) -> MeetingInfo:
    return MeetingInfo(
        id=meeting.id,
        title=meeting.title,
        description=meeting.description,
        creator_id=meeting.creator_id,
        status=meeting.status_name,
        start_time=meeting.start_time,
        end_time=meeting.end_time,
        actual_start_time=meeting.actual_start_time,
        max_participants=meeting.max_participants,
        meeting_type=meeting.meeting_type_name,
        room_id=meeting.room_id,
        settings=meeting.settings,
    )
