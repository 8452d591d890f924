"""One peer from upgrade to close: reads its frames, answers them, and sees to a clean end."""

import asyncio
from enum import Enum

import msgspec
import structlog

from meeting.domains.signaling import frames
from meeting.domains.signaling.admission import Admitted
from meeting.domains.signaling.deadline import edge
from meeting.domains.signaling.entry import Entry
from meeting.domains.signaling.model import Close, Limits, Place, Timings
from meeting.domains.signaling.outgoing import Outgoing, Signal
from meeting.domains.signaling.ports import Closed, Socket
from meeting.domains.signaling.presence import Presence
from meeting.domains.signaling.rate import Rate
from meeting.domains.signaling.router import Router
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.ids import Ids, meeting_of, room_of

log = structlog.get_logger(__name__)


class Fate(Enum):
    """What becomes of the place when the socket ends."""

    KEPT = "kept"
    """For the grace, since the peer may come back."""
    GIVEN = "given back"
    ENDED = "ended by somebody else already"


class Session:
    """One socket of one user. Its reader handles frame by frame; its writer sends what waits."""

    def __init__(
        self,
        socket: Socket,
        admitted: Admitted,
        *,
        entry: Entry,
        presence: Presence,
        router: Router,
        clock: Clock,
        ids: Ids,
        limits: Limits,
        timings: Timings,
    ) -> None:
        self.session_id = ids.new("sess_")
        self.place: Place | None = None
        self._socket = socket
        self._admitted = admitted
        self._entry = entry
        self._presence = presence
        self._router = router
        self._clock = clock
        self._ids = ids
        self._limits = limits
        self._timings = timings
        self._outgoing = Outgoing(limits.queue_frames, limits.queue_bytes)
        self._rate = Rate(limits.frames_per_second, timings.flood)
        self._heard_at = self._pinged_at = clock.monotonic()
        self._seq = 0
        self._close: tuple[Close, str] | None = None
        self._fate = Fate.KEPT
        self._over = asyncio.Event()
        self._handling = asyncio.Lock()
        self._log = log.bind(user_id=admitted.caller.user_id, session_id=self.session_id)

    def deliver(self, frame: bytes, *, urgent: bool = False) -> None:
        """Queue an encoded frame; a peer that has no room for it reads too slowly and is closed."""
        if not self._outgoing.put(frame, urgent=urgent):
            self.end(Close.TOO_SLOW, "you read too slowly")

    def end(self, code: Close, reason: str, *, kept: bool = True) -> None:
        """Close the socket; the first call decides with which code. Never waits."""
        if not kept:
            self._fate = Fate.ENDED
        if not self._over.is_set():
            self._close = (code, reason)
            self._outgoing.finish(drop=code is Close.TOO_SLOW)
            self._over.set()

    def pulse(self, now: float) -> None:
        """Look at the time: ping, or end a silent socket."""
        if self._socket.stirred():
            self._heard_at = now
        elif now - self._heard_at >= self._timings.silence:
            self.end(Close.INTERNAL, "nothing was heard from you")
        if now - self._pinged_at >= self._timings.ping:
            self._pinged_at = now
            self._outgoing.ping()

    async def run(self) -> None:
        """Serve the socket until it is closed from either side, and free what it held."""
        reader = asyncio.create_task(self._read())
        writer = asyncio.create_task(self._write())
        over = asyncio.create_task(self._over.wait())
        try:
            await asyncio.wait({reader, over}, return_when=asyncio.FIRST_COMPLETED)
            if reader.done() and (failure := reader.exception()) is not None:
                self._log.error("socket failed", exc_info=failure)
            self._outgoing.finish(drop=reader.done())
            self._over.set()
            await self._depart()
            if not reader.done():
                await self._hang_up(writer)
        finally:
            self._socket.abort()
            for task in (reader, writer, over):
                task.cancel()
            await asyncio.gather(reader, writer, over, return_exceptions=True)

    async def _hang_up(self, writer: asyncio.Task[None]) -> None:
        """Send what waits and then the close, and leave the client time to read it."""
        code, reason = self._close or (Close.INTERNAL, "")
        try:
            async with asyncio.timeout(self._timings.linger):
                if code is not Close.TOO_SLOW:
                    await asyncio.wait({writer})
                await self._socket.close(code, reason)
        except (TimeoutError, ConnectionError):
            self._log.info("socket dropped", code=int(code))
        else:
            self._log.info("socket closed", code=int(code))

    async def _depart(self) -> None:
        """Give the place back, or keep it for the grace; a frame in the works is waited for."""
        async with self._handling:
            place, self.place = self.place, None
            if place is None or self._fate is Fate.ENDED:
                return
            try:
                if self._fate is Fate.GIVEN:
                    await self._presence.leave(place, "user_left")
                else:
                    await self._presence.lose(place)
            except Fault as fault:
                # Nobody renews the lease from now on, so the place ends by itself all the same.
                self._log.warning("place left to expire", kind=fault.kind)

    async def _write(self) -> None:
        while (item := await self._outgoing.take()) is not Signal.END:
            try:
                if isinstance(item, bytes):
                    self._seq += 1
                    await self._socket.send(frames.numbered(item, self._seq))
                else:
                    await self._socket.ping()
            except ConnectionError:
                return  # the reader sees the same end and acts on it

    async def _read(self) -> None:
        while True:
            message = await self._socket.receive()
            if isinstance(message, Closed):
                if message.code == Close.LEFT and self._fate is Fate.KEPT and not self._close:
                    self._fate = Fate.GIVEN
                return
            async with self._handling:
                if not self._over.is_set():
                    await self._take(message)

    async def _take(self, message: str | bytes) -> None:
        if len(message) > self._limits.frame_bytes or (
            isinstance(message, str) and len(message.encode()) > self._limits.frame_bytes
        ):
            self.end(Close.TOO_BIG, f"a frame may have {self._limits.frame_bytes} bytes")
            return
        if not self._rate.allow(self._clock.monotonic()):
            if self._rate.flooding:
                self.end(Close.RATE, "you send too fast")
            else:
                text = f"send at most {self._limits.frames_per_second} frames a second"
                self.deliver(frames.error(Fault(Kind.RATE_LIMITED, text)))
            return
        try:
            frame = frames.read(message)
        except frames.Unreadable as fault:
            self.deliver(frames.error(fault, fault.request_type, fault.request_id))
            return
        try:
            await self._handle(frame)
        except Fault as fault:
            self.deliver(frames.error(fault, frames.type_of(frame), frame.id))
        except Exception:  # noqa: BLE001 - a defect of ours costs a frame, not the process
            self._log.exception("frame failed", type=frames.type_of(frame))
            failed = Fault(Kind.INTERNAL, "the server failed at this frame")
            self.deliver(frames.error(failed, frames.type_of(frame), frame.id))

    async def _handle(self, frame: frames.Known) -> None:
        match frame:
            case frames.Join():
                await self._join(frame)
            case frames.Offer() | frames.Answer() | frames.Candidate():
                await self._relay(frame)
            case frames.Leave():
                if self.place is not None:
                    self._seated(frame)
                    self._fate = Fate.GIVEN
                self.end(Close.LEFT, "you left")
            case frames.Ping():
                echo = msgspec.UNSET if frame.id is None else frame.id
                self.deliver(frames.encode("pong", id=echo), urgent=True)
            case frames.Pong():
                pass  # its arrival was noted already

    async def _join(self, frame: frames.Join) -> None:
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
            self.deliver(await self._entry.again(call, self.place, frame.id))
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
        self.place = await self._entry.enter(call, wished, self, frame.id)

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
        user_id = frame.to_user_id
        if frame.to_peer_id is not None:
            found = await self._router.to_peer(place.room_id, frame.to_peer_id, user_id, sent)
        else:
            assert user_id is not None  # noqa: S101 - checked above, said to the type checker
            found = await self._router.to_user(place.room_id, user_id, sent, but=place.peer_id) > 0
        if not found:
            raise Fault(Kind.NOT_FOUND, "nobody of that name is connected to this room")

    def _seated(self, frame: frames.Known) -> Place:
        """Return the place; `conflict` without one, or where the frame names another room."""
        if self.place is None:
            raise Fault(Kind.CONFLICT, "join a room first")
        if frame.room_id is not None and meeting_of(str(frame.room_id)) != self.place.meeting_id:
            raise Fault(Kind.CONFLICT, f"you are in {self.place.room_id}, not in that room")
        return self.place
