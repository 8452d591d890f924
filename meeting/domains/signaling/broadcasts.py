"""What other domains have rooms and users told, and may ask of rooms: satisfies `SignalingApi`."""

import re
from collections.abc import Iterable

import msgspec

from meeting.domains.meeting.api import MeetingApi
from meeting.domains.signaling import frames
from meeting.domains.signaling.api import SENDABLE, TARGETS, Broadcast, Joined, Left, RoomUser
from meeting.domains.signaling.deadline import within
from meeting.domains.signaling.model import PEER_ID, Limits, Timings
from meeting.domains.signaling.roster import Roster
from meeting.domains.signaling.router import Router
from meeting.kernel.call import Call
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind, invalid
from meeting.kernel.ids import MAX_ID, meeting_of, room_of

TYPE = re.compile(r"[a-z_]{1,32}")
OURS = frozenset(
    {
        "alert",
        "answer",
        "broadcast",
        "connection_state",
        "error",
        "ice_candidate",
        "join",
        "joined",
        "leave",
        "meeting_created",
        "meeting_ended",
        "meeting_started",
        "offer",
        "ping",
        "pong",
        "resume_failed",
        "resumed",
        "roster",
        "user_joined",
        "user_left",
    }
)
"""Types by which this domain speaks for itself: nobody else may put words into its mouth."""
NAME = 100
PRESENT = "online"


class Broadcasts:
    """Encodes what is to be told once and gives it to every socket that it is for.

    No socket is waited for: one that reads too slowly is closed by its own bound.
    """

    def __init__(
        self,
        *,
        router: Router,
        roster: Roster,
        meeting: MeetingApi,
        clock: Clock,
        limits: Limits,
        timings: Timings,
    ) -> None:
        self._router = router
        self._roster = roster
        self._meeting = meeting
        self._clock = clock
        self._limits = limits
        self._timings = timings

    async def notify_user_joined(self, call: Call, joined: Joined) -> None:
        """Tell the others of a room that somebody came; nothing else follows from it."""
        call.caller.serves()
        meeting_id = _meeting(joined.room_id)
        _somebody(joined.user_id, joined.peer_id)
        if len(joined.username) > NAME or not joined.username.isprintable():
            raise invalid("username", f"must have at most {NAME} characters, none of them unseen")
        await self._known(call, meeting_id)
        await self._others("user_joined", meeting_id, joined)

    async def notify_user_left(self, call: Call, left: Left) -> None:
        """Tell the others of a room that somebody went; nothing else follows from it."""
        call.caller.serves()
        meeting_id = _meeting(left.room_id)
        _somebody(left.user_id, left.peer_id)
        await self._known(call, meeting_id)
        await self._others("user_left", meeting_id, left, reason="user_left")

    async def broadcast_message(self, call: Call, broadcast: Broadcast) -> None:
        """Send a frame to whoever of its targets is connected; the others are not told."""
        call.caller.serves()
        kind = broadcast.message_type
        if not TYPE.fullmatch(kind) or kind in OURS:
            named = ", ".join(sorted(SENDABLE))
            raise invalid("message_type", f"must be 1 to 32 of a-z _, and no frame's but {named}")
        targets = list(dict.fromkeys(broadcast.target_user_ids))
        if len(broadcast.target_user_ids) > TARGETS:
            raise invalid("target_user_ids", f"may be {TARGETS} at a time")
        if not 0 <= broadcast.from_user_id <= MAX_ID + 1:
            raise invalid("from_user_id", f"must be at most {MAX_ID}, or the recorder's")
        if not broadcast.room_id:
            if not targets:
                raise invalid("target_user_ids", "is required")
            frame = self._frame(broadcast)
            for user_id in targets:
                await self._router.to_sockets(user_id, frame)
            return
        meeting_id = _meeting(broadcast.room_id)
        frame = self._frame(broadcast, room_of(meeting_id))
        await self._known(call, meeting_id)
        await self._room(room_of(meeting_id), targets, frame)

    async def get_room_users(self, call: Call, room_id: str) -> list[RoomUser]:
        """Return who is in a room, a row a peer, for services and for members of the meeting."""
        meeting_id = _meeting(room_id)
        await self._known(call, meeting_id)
        roll = await self._roster.roll(room_of(meeting_id))
        return [
            RoomUser(
                user_id=place.user_id,
                username=place.username,
                peer_id=place.peer_id,
                status=PRESENT,
                joined_at=place.joined_at,
            )
            for place in sorted(roll.places, key=lambda place: (place.joined_at, place.peer_id))
        ]

    async def _known(self, call: Call, meeting_id: int) -> None:
        """Refuse a room without a meeting; and what is in a room, to whoever is no member."""
        latest = min(call.deadline, self._clock.monotonic() + self._timings.call)
        onward = msgspec.structs.replace(call.onward("signaling"), deadline=latest)
        async with within(onward, self._clock):
            meeting = await self._meeting.get_meeting(onward, meeting_id)
            if call.caller.is_service:
                return
            user_id = call.caller.user_id
            access = await self._meeting.validate_user_access(onward, user_id, meeting_id)
        if access.role:
            return
        # We ask as a service, which sees every meeting: what a stranger may know is decided here.
        if meeting.meeting_type == "private":
            raise Fault(Kind.MEETING_NOT_FOUND, "there is no such meeting")
        raise Fault(Kind.FORBIDDEN, "only members of the meeting may do this")

    def _frame(self, broadcast: Broadcast, room_id: str = "") -> bytes:
        about: dict[str, object] = {}
        if room_id:
            about["room_id"] = room_id
        if broadcast.from_user_id:
            about["from_user_id"] = broadcast.from_user_id
        most = self._limits.frame_bytes
        if len(broadcast.content) > most:  # before it is read, which takes more than it does
            raise _long(most)
        frame = frames.broadcast(broadcast.message_type, broadcast.content, **about)
        if len(frame) > most:
            raise _long(most)
        return frame

    async def _room(self, room_id: str, targets: Iterable[int], frame: bytes) -> None:
        if not targets:
            await self._router.to_room(room_id, frame)
        for user_id in targets:
            await self._router.to_user(room_id, user_id, frame)

    async def _others(self, kind: str, meeting_id: int, who: Joined | Left, **more: object) -> None:
        room_id = room_of(meeting_id)
        told = {name: value for name, value in msgspec.structs.asdict(who).items() if value}
        frame = frames.encode(
            kind, **(told | {"room_id": room_id, "meeting_id": meeting_id} | more)
        )
        await self._router.to_room(room_id, frame, but=who.peer_id)


def _meeting(room_id: str) -> int:
    meeting_id = meeting_of(room_id)
    if meeting_id is None:
        raise invalid("room_id", "must be room_<meeting_id>")
    return meeting_id


def _somebody(user_id: int, peer_id: str) -> None:
    if not 1 <= user_id <= MAX_ID + 1:
        raise invalid("user_id", f"must be 1 to {MAX_ID}, or the recorder's")
    if peer_id and not PEER_ID.fullmatch(peer_id):
        raise invalid("peer_id", "must be 1 to 64 of A-Z a-z 0-9 _ -")


def _long(most: int) -> Fault:
    return Fault(
        Kind.TOO_LARGE,
        "content: the frame may have {most} bytes",
        details={"limit": most},
        most=most,
    )
