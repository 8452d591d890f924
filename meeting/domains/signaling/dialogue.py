"""What one peer says: each frame is held to the bounds, read, acted on, and answered."""

import msgspec
import structlog

from meeting.domains.signaling import frames
from meeting.domains.signaling.admission import Admitted
from meeting.domains.signaling.deadline import edge
from meeting.domains.signaling.entry import Entry
from meeting.domains.signaling.letter import Sender
from meeting.domains.signaling.model import Close, Limits, Place, Timings
from meeting.domains.signaling.rate import Rate
from meeting.domains.signaling.room import Member
from meeting.domains.signaling.router import Router
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.ids import Ids, meeting_of, room_of

log = structlog.get_logger(__name__)


class Dialogue:
    """The frames of one peer, one after the other, and the place that they won it."""

    def __init__(
        self,
        admitted: Admitted,
        session_id: str,
        *,
        entry: Entry,
        router: Router,
        clock: Clock,
        ids: Ids,
        limits: Limits,
        timings: Timings,
    ) -> None:
        self.place: Place | None = None
        self._admitted = admitted
        self.session_id = session_id
        self._entry = entry
        self._router = router
        self._clock = clock
        self._ids = ids
        self._limits = limits
        self._timings = timings
        self._rate = Rate(limits.frames_per_second, timings.flood)
        self._log = log.bind(user_id=admitted.caller.user_id, session_id=session_id)

    @property
    def user_id(self) -> int:
        """Return whose frames these are."""
        return self._admitted.caller.user_id

    async def take(self, message: str | bytes, member: Member) -> None:
        """Act on one message of a member, which is answered, also where something is wrong."""
        if len(message) > self._limits.frame_bytes or (
            isinstance(message, str) and len(message.encode()) > self._limits.frame_bytes
        ):
            member.end(Close.TOO_BIG, f"a frame may have {self._limits.frame_bytes} bytes")
            return
        if not self._rate.allow(self._clock.monotonic()):
            if self._rate.flooding:
                member.end(Close.RATE, "you send too fast")
            else:
                text = f"send at most {self._limits.frames_per_second} frames a second"
                member.deliver(frames.error(Fault(Kind.RATE_LIMITED, text)))
            return
        try:
            frame = frames.read(message)
        except frames.Unreadable as fault:
            member.deliver(frames.error(fault, fault.request_type, fault.request_id))
            return
        try:
            await self._handle(frame, member)
        except Fault as fault:
            member.deliver(frames.error(fault, frames.type_of(frame), frame.id))
        except Exception:  # noqa: BLE001 - a defect of ours costs a frame, not the process
            self._log.exception("frame failed", type=frames.type_of(frame))
            failed = Fault(Kind.INTERNAL, "the server failed at this frame")
            member.deliver(frames.error(failed, frames.type_of(frame), frame.id))

    async def _handle(self, frame: frames.Known, member: Member) -> None:
        match frame:
            case frames.Join():
                await self._join(frame, member)
            case frames.Offer() | frames.Answer() | frames.Candidate():
                await self._relay(frame)
            case frames.Leave():
                if self.place is not None:
                    self._seated(frame)
                member.end(Close.LEFT, "you left")
            case frames.Ping():
                echo = msgspec.UNSET if frame.id is None else frame.id
                member.deliver(frames.encode("pong", id=echo), urgent=True)
            case frames.Pong():
                pass  # its arrival was noted already

    async def _join(self, frame: frames.Join, member: Member) -> None:
        asked = self._admitted
        meeting_id = asked.meeting_id if frame.room_id is None else meeting_of(str(frame.room_id))
        if not meeting_id:
            raise Fault(Kind.VALIDATION, "room_id: must name a meeting's room, such as room_7")
        if asked.bound_to not in (0, meeting_id):
            raise Fault(Kind.FORBIDDEN, "your ticket is for another meeting")
        call = edge(asked.caller, self._ids.new(), self._clock, self._timings.call)
        if self.place is not None:
            if self.place.meeting_id != meeting_id:
                raise Fault(Kind.CONFLICT, "a socket may be in one room; leave first")
            member.deliver(await self._entry.again(call, self.place, frame.id))
            return
        wished = Place(
            room_id=room_of(meeting_id),
            meeting_id=meeting_id,
            peer_id=frame.peer_id or asked.peer_id or self._ids.new("peer_"),
            user_id=asked.caller.user_id,
            username=asked.caller.username,
            session_id=self.session_id,
            joined_at=self._clock.now(),
        )
        self.place = await self._entry.enter(call, wished, member, frame.id)
        self._log = self._log.bind(meeting_id=meeting_id)

    async def _relay(self, frame: frames.Offer | frames.Answer | frames.Candidate) -> None:
        place = self._seated(frame)
        if frame.to_user_id is None and frame.to_peer_id is None:
            raise Fault(Kind.VALIDATION, "to_user_id: name it, or to_peer_id")
        sender = {
            "room_id": place.room_id,
            "meeting_id": place.meeting_id,
            "session_id": place.session_id,
            "from_user_id": place.user_id,
            "from_peer_id": place.peer_id,
            "username": place.username,
        }
        sent = frames.relayed(frame, sender, self._clock.now())
        room_id, user_id, by = place.room_id, frame.to_user_id, Sender.of(place)
        if frame.to_peer_id is not None:
            found = await self._router.to_peer(room_id, frame.to_peer_id, user_id, sent, sender=by)
        else:
            assert user_id is not None  # noqa: S101 - checked above, said to the type checker
            but = place.peer_id
            found = await self._router.to_user(room_id, user_id, sent, but=but, sender=by) > 0
        if not found:
            raise Fault(Kind.NOT_FOUND, "nobody of that name is connected to this room")

    def _seated(self, frame: frames.Known) -> Place:
        """Return the place; `conflict` without one, or where the frame names another room."""
        if self.place is None:
            raise Fault(Kind.CONFLICT, "join a room first")
        if frame.room_id is not None and meeting_of(str(frame.room_id)) != self.place.meeting_id:
            raise Fault(Kind.CONFLICT, f"you are in {self.place.room_id}, not in that room")
        return self.place
