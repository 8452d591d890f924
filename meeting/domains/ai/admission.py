"""Who may have what analysed: members of meetings that run and want it."""

from meeting.domains.meeting.api import Access, MeetingApi, MeetingInfo
from meeting.kernel.call import Call, Role
from meeting.kernel.errors import Fault, Kind, invalid
from meeting.kernel.ids import MAX_ID

DOMAIN = "ai"


class Admission:
    """Asks the meeting domain whether a call may concern a meeting: 404, then 403, then 409."""

    def __init__(self, meetings: MeetingApi) -> None:
        self._meetings = meetings

    async def analyse(self, call: Call, meeting_id: int, user_id: int = 0) -> int:
        """Admit a request for analysis; return the user whom it is about (0: the caller).

        A user has to be in the active meeting; a service acts for whom it names.
        """
        caller = call.caller
        subject = user_id or caller.user_id
        if not 1 <= subject <= MAX_ID:
            raise invalid("user_id", f"must be 1 to {MAX_ID}")
        meeting = await self._find(call, meeting_id)
        if not caller.is_service:
            access = await self._member(call, meeting)
            if subject != caller.user_id:
                await self._named(call, meeting, subject)
            if meeting.status == "active" and not access.has_access:
                raise Fault(Kind.FORBIDDEN, "join the meeting before having speech analysed")
            _runs(meeting)
        if not meeting.settings.enable_ai:
            raise Fault(Kind.AI_DISABLED, "this meeting has analysis switched off")
        return subject

    async def read(self, call: Call, meeting_id: int) -> None:
        """Admit a member, or a service, to what was found out in a meeting."""
        meeting = await self._find(call, meeting_id)
        if not call.caller.is_service:
            await self._member(call, meeting)

    async def _find(self, call: Call, meeting_id: int) -> MeetingInfo:
        if not 1 <= meeting_id <= MAX_ID:
            raise invalid("meeting_id", f"must be 1 to {MAX_ID}")
        return await self._meetings.get_meeting(call.onward(DOMAIN), meeting_id)

    async def _member(self, call: Call, meeting: MeetingInfo) -> Access:
        access = await self._access(call, meeting, call.caller.user_id)
        if access.role:
            return access
        # We ask as a service, which sees every meeting: what a stranger may know is decided here.
        if meeting.meeting_type == "private":
            raise Fault(Kind.MEETING_NOT_FOUND, "there is no such meeting")
        raise Fault(Kind.FORBIDDEN, "only members of the meeting may do this")

    async def _named(self, call: Call, meeting: MeetingInfo, subject: int) -> None:
        if call.caller.role < Role.ADMIN:
            raise Fault(Kind.FORBIDDEN, "user_id: leave it out, or give your own")
        if not (await self._access(call, meeting, subject)).role:
            raise Fault(Kind.FORBIDDEN, "user_id: is no member of the meeting")

    async def _access(self, call: Call, meeting: MeetingInfo, user_id: int) -> Access:
        return await self._meetings.validate_user_access(call.onward(DOMAIN), user_id, meeting.id)


def _runs(meeting: MeetingInfo) -> None:
    """Refuse a meeting that is not active."""
    if meeting.status == "scheduled":
        raise Fault(Kind.MEETING_NOT_STARTED, "the meeting has not started yet")
    if meeting.status != "active":
        raise Fault(Kind.MEETING_ENDED, "the meeting is over")
