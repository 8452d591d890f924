"""The way into a room: keep a place, ask the meeting domain, then take it or give it up.

The place is kept before the meeting lets the user in. Whatever dies in between, the place ends by
itself and its end is announced, so that no seat stays taken without a socket. But first the meeting
says whether the user has any business there: who has none must not learn which peers are in it.
"""

from datetime import datetime

import msgspec
import structlog

from meeting.domains.meeting.api import Access, MeetingApi, MeetingInfo
from meeting.domains.signaling import frames
from meeting.domains.signaling.deadline import within
from meeting.domains.signaling.model import Place, Roll
from meeting.domains.signaling.presence import Presence
from meeting.domains.signaling.room import Member
from meeting.kernel.call import Call
from meeting.kernel.clock import Clock, rfc3339
from meeting.kernel.errors import Fault, Kind

REFUSALS = {
    "meeting not found": (Kind.MEETING_NOT_FOUND, "there is no such meeting"),
    "meeting is not active": (Kind.MEETING_NOT_STARTED, "the meeting is not active"),
    "user not invited to meeting": (Kind.FORBIDDEN, "ask the host to invite you"),
    "meeting is full": (Kind.MEETING_FULL, "all seats are taken; try again when somebody left"),
    "password required": (Kind.BAD_MEETING_PASSWORD, "join by REST with the password first"),
    "waiting for approval": (Kind.CONFLICT, "wait until the host has approved you, then join"),
    "user was removed": (Kind.FORBIDDEN, "you were removed and may not come back"),
}
"""What `ValidateUserAccess` says, as the error that a join is answered with."""
HOPELESS = frozenset({"meeting not found", "user was removed", "password required"})
"""Reasons that no admission can remove and none goes before; the first hides the meeting itself."""
UNSURE = (Kind.UNAVAILABLE, Kind.DEADLINE, Kind.INTERNAL)
"""Errors after which the meeting may have let the user in all the same."""

log = structlog.get_logger(__name__)


class Entry:
    """Lets peers into rooms."""

    def __init__(
        self,
        *,
        meeting: MeetingApi,
        presence: Presence,
        clock: Clock,
        ice_urls: tuple[str, ...],
        node: str = "",
    ) -> None:
        self._node = node
        self._meeting = meeting
        self._presence = presence
        self._clock = clock
        self._ice = [{"urls": list(ice_urls)}] if ice_urls else []

    async def enter(self, call: Call, place: Place, member: Member, request_id: frames.Id) -> Place:
        """Seat a peer and answer it with the room; return the place as the meeting granted it."""
        async with within(call, self._clock):
            onward = call.onward("signaling")
            info = await self._info(onward, place.meeting_id)
            access = await self._meeting.validate_user_access(
                onward, place.user_id, place.meeting_id
            )
        if access.error in HOPELESS:
            raise _refused(access.error)
        place = msgspec.structs.replace(place, node=self._node)
        await self._presence.hold(place)
        unsure = True
        try:
            async with within(call, self._clock):
                access = await self._meeting.validate_user_access(
                    onward, place.user_id, place.meeting_id, admit=True
                )
            unsure = access.has_access
            granted = _granted(place, access, self._clock.now())
            return await self._presence.enter(
                granted, member, lambda roll: self._joined(granted, roll, info, request_id)
            )
        except Fault as fault:
            await self._withdraw(place, unsure=unsure and fault.kind in UNSURE)
            raise
        except BaseException:
            await self._withdraw(place, unsure=unsure)
            raise

    async def _info(self, call: Call, meeting_id: int) -> MeetingInfo:
        """Return the meeting; one that is absent is refused in the words of one that is hidden."""
        try:
            return await self._meeting.get_meeting(call, meeting_id)
        except Fault as fault:
            if fault.kind is Kind.MEETING_NOT_FOUND:
                raise _refused("meeting not found") from fault
            raise

    async def _withdraw(self, place: Place, *, unsure: bool) -> None:
        try:
            await self._presence.withdraw(place, unsure=unsure)
        except Fault as fault:
            # Nobody renews a place that is only held: it ends by itself, and is announced then.
            log.warning("held place left to expire", peer_id=place.peer_id, kind=fault.kind)

    async def again(self, call: Call, place: Place, request_id: frames.Id) -> bytes:
        """Answer a peer that is in the room already with the room as it is now."""
        async with within(call, self._clock):
            info = await self._info(call.onward("signaling"), place.meeting_id)
        return self._joined(place, await self._presence.roll(place.room_id), info, request_id)

    def _joined(self, place: Place, roll: Roll, info: MeetingInfo, request_id: frames.Id) -> bytes:
        return frames.encode(
            "joined",
            id=msgspec.UNSET if request_id is None else request_id,
            room_id=place.room_id,
            meeting_id=place.meeting_id,
            session_id=place.session_id,
            peer_id=place.peer_id,
            participant_count=roll.users,
            participants=[
                {
                    "user_id": one.user_id,
                    "username": one.username,
                    "session_id": one.session_id,
                    "peer_id": one.peer_id,
                    "role": one.role,
                    "joined_at": rfc3339(one.joined_at),
                    "last_active_at": rfc3339(roll.seen_at[one.peer_id]),
                    "is_self": one.session_id == place.session_id,
                }
                for one in roll.places
            ],
            version=roll.version,
            ice_servers=self._ice,
            ai_enabled=info.settings.enable_ai,
            settings=info.settings,
        )


def _granted(place: Place, access: Access, now: datetime) -> Place:
    """Return the place as it is shown; it is younger than a seat that came free while we asked."""
    if not access.has_access:
        raise _refused(access.error)
    return msgspec.structs.replace(place, role=access.role, admitted=True, joined_at=now)


def _refused(error: str) -> Fault:
    kind, text = REFUSALS.get(error, (Kind.FORBIDDEN, "the meeting does not let you in"))
    return Fault(kind, text)
