"""One socket from upgrade to close: its reader and writer, its pulse, and a clean end."""

import asyncio
from enum import Enum

import structlog

from meeting.domains.signaling import frames
from meeting.domains.signaling.dialogue import Dialogue
from meeting.domains.signaling.model import Close, Limits, Place, Timings
from meeting.domains.signaling.outgoing import Outgoing, Signal
from meeting.domains.signaling.ports import Closed, Socket
from meeting.domains.signaling.presence import Presence
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault

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
        dialogue: Dialogue,
        *,
        presence: Presence,
        clock: Clock,
        limits: Limits,
        timings: Timings,
    ) -> None:
        self._log = log.bind(user_id=dialogue.user_id, session_id=dialogue.session_id)
        self._socket = socket
        self._dialogue = dialogue
        self._presence = presence
        self._timings = timings
        self._outgoing = Outgoing(limits.queue_frames, limits.queue_bytes)
        self._heard_at = self._pinged_at = clock.monotonic()
        self._seq = 0
        self._close: tuple[Close, str] | None = None
        self._fate = Fate.KEPT
        self._over = asyncio.Event()
        self._handling = asyncio.Lock()

    @property
    def place(self) -> Place | None:
        """Return its place in a room, until it departs."""
        return self._dialogue.place

    @property
    def final(self) -> bool:
        """Tell whether it ended so that the user is not to be waited for."""
        closed = self._close and self._close[0]
        return self._fate is not Fate.KEPT or closed is Close.TOKEN_ENDED

    def deliver(self, frame: bytes, *, urgent: bool = False) -> None:
        """Queue an encoded frame; a peer that has no room for it reads too slowly and is closed."""
        if not self._outgoing.put(frame, urgent=urgent):
            self.end(Close.TOO_SLOW, "you read too slowly")

    def end(self, code: Close, reason: str, *, kept: bool = True) -> None:
        """Close the socket; the first call decides with which code. Never waits."""
        if not kept:
            self._fate = Fate.ENDED
        if not self._over.is_set():
            if kept and code is Close.LEFT:
                self._fate = Fate.GIVEN
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
            place, self._dialogue.place = self._dialogue.place, None
            if place is not None:
                self._log = self._log.bind(meeting_id=place.meeting_id)
            if place is None or self._fate is Fate.ENDED:
                return
            try:
                await self._give_up(place)
            except Fault as fault:
                # Nobody renews the lease from now on, so the place ends by itself all the same.
                self._log.warning("place left to expire", kind=fault.kind)

    async def _give_up(self, place: Place) -> None:
        try:
            await self._part(place)
        except Fault as fault:
            if not fault.passing:
                raise
            # A race was lost, and is over: who has left is not to be told of as lost for that.
            await self._part(place)

    async def _part(self, place: Place) -> None:
        if self._fate is Fate.GIVEN:
            await self._presence.leave(place, "user_left")
        else:
            await self._presence.lose(place)

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
                    await self._dialogue.take(message, self)
