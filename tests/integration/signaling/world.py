"""Signalling with the real meeting domain on a SQLite file, served on real sockets."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any, Literal

import aiohttp
from litestar import Litestar
from sqlalchemy import select

from meeting.domains.meeting.attendance import Attendance
from meeting.domains.meeting.findings import Findings
from meeting.domains.meeting.lifecycle import Lifecycle
from meeting.domains.meeting.model import Draft, Meeting, MeetingType, Settings
from meeting.domains.meeting.people import People
from meeting.domains.meeting.presence import PresenceKeeper
from meeting.domains.meeting.schedule import Schedule
from meeting.domains.meeting.service import MeetingService
from meeting.domains.signaling.events import TOPIC, ConnectionClosed
from meeting.domains.signaling.model import Limits, Timings
from meeting.domains.signaling.service import Signaling
from meeting.domains.user.api import Identity, Person
from meeting.domains.user.events import UserRevoked
from meeting.kernel.call import Call, Caller
from meeting.kernel.consumer import Consumer
from meeting.kernel.errors import Fault
from meeting.kernel.ids import RandomIds
from meeting.kernel.password import Passwords
from meeting.kernel.secret import Secret
from meeting.kernel.token import Tokens
from meeting.stores.relational.database import Database, metadata
from meeting.stores.relational.documents import SqlDocuments
from meeting.stores.relational.leases import leases
from meeting.stores.relational.meeting import SqlMeetingUnit
from meeting.stores.relational.outbox import Log, LogTail, outbox
from meeting.stores.relational.signaling import SqlSignalingUnit
from meeting.stores.relational.unit import SqlUnit, SqlUnits
from meeting.transports.gateway.bounds import Bounds
from meeting.transports.http.server import CONNECTIONS, Listener
from meeting.transports.websocket import aio, asgi
from tests.clock import MovingClock
from tests.gateway import Fronted, Listening
from tests.stores import at

Server = Literal["aiohttp", "uvicorn", "gateway"]
ORIGINS = ("https://meet.example.org",)
PATIENCE = 10.0


class Users:
    """A `UserApi` that knows whoever has a sealed token, until it is revoked."""

    def __init__(self, tokens: Tokens, clock: MovingClock) -> None:
        self._tokens = tokens
        self._clock = clock
        self.revoked: set[str] = set()
        self.statuses: list[tuple[int, str]] = []
        """What was said of users' presence."""
        self.away = asyncio.Event()
        """While set, presence is told to nobody: the answer never comes."""

    async def validate_token(self, call: Call, token: str) -> Identity:
        """Check seal and revocation."""
        try:
            claims = self._tokens.open(token, "access", "ticket")
        except Fault:
            return Identity(valid=False, error="malformed")
        if {claims.jti, claims.parent} & self.revoked:
            return Identity(valid=False, error="revoked")
        return Identity(valid=True, user_id=claims.user_id, username=claims.username)

    async def get_user(self, call: Call, user_id: int) -> Person:
        """Return a user."""
        return Person(
            id=user_id,
            username=f"user{user_id}",
            email=f"user{user_id}@example.org",
            full_name=f"User {user_id}",
            status="active",
            created_at=self._clock.now(),
        )

    async def get_users_by_ids(self, call: Call, ids: Sequence[int]) -> list[Person]:
        """Nobody asks for several here."""
        raise AssertionError(ids)

    async def update_user_status(self, call: Call, user_id: int, status: str) -> None:
        """Note what is said, unless away."""
        if self.away.is_set():
            await asyncio.Event().wait()
        self.statuses.append((user_id, status))


class Peer:
    """A client: aiohttp's WebSocket and nothing of ours."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.last_seq = 0

    async def send(self, type_: str, **fields: Any) -> None:
        """Send a frame."""
        await self.socket.send_str(json.dumps({"type": type_, **fields}))

    async def next(self) -> dict[str, Any]:
        """Return the next frame; each has the next number."""
        message = await self.socket.receive(PATIENCE)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        frame: dict[str, Any] = json.loads(message.data)
        assert frame["seq"] == self.last_seq + 1
        self.last_seq = frame["seq"]
        return frame

    async def until(self, type_: str) -> dict[str, Any]:
        """Return the next frame of a type; others before it are dropped."""
        while (frame := await self.next())["type"] != type_:
            pass
        return frame

    async def join(self, meeting_id: int, **fields: Any) -> dict[str, Any]:
        """Join a room and return what was answered."""
        await self.send("join", room_id=f"room_{meeting_id}", **fields)
        return await self.next()

    async def closed(self) -> int | None:
        """Read until the close and return its code."""
        while True:
            message = await self.socket.receive(PATIENCE)
            if message.type in (aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSED):
                return self.socket.close_code
            assert message.type is aiohttp.WSMsgType.TEXT, message

    async def nothing(self) -> None:
        """Expect no frame: what would have come stands before the pong."""
        await self.send("ping", id="nothing")
        frame = await self.next()
        assert frame["type"] == "pong", frame

    def lose(self) -> None:
        """Cut the connection without a close."""
        transport = self.socket._response.connection.transport  # type: ignore[union-attr]
        transport.abort()  # type: ignore[union-attr]


class World:
    """One process of the house, as far as signalling needs it."""

    def __init__(
        self, url: str, limits: Limits, timings: Timings, clock: MovingClock | None = None
    ) -> None:
        self.clock = clock or MovingClock()
        self.ids = RandomIds()
        self.database = Database(url)
        self.tokens = Tokens(Secret("k" * 32), self.clock, self.ids)
        self.users = Users(self.tokens, self.clock)
        self.feed = Log(self.database)
        self._meetings = SqlUnits(self.database, SqlMeetingUnit, self.clock, self.ids)
        people = People(self.users)
        self._passwords = Passwords(workers=1)
        self.schedule = Schedule(
            units=self._meetings, clock=self.clock, people=people, passwords=self._passwords
        )
        self.lifecycle = Lifecycle(units=self._meetings, clock=self.clock)
        self.attendance = Attendance(
            units=self._meetings,
            clock=self.clock,
            people=people,
            passwords=self._passwords,
            tokens=self.tokens,
        )
        self.meeting = MeetingService(
            units=self._meetings,
            schedule=self.schedule,
            attendance=self.attendance,
            lifecycle=self.lifecycle,
            findings=Findings(
                units=self._meetings, documents=SqlDocuments(self.database), clock=self.clock
            ),
        )
        self.keeper = Consumer(
            "meeting",
            TOPIC,
            feed=self.feed,
            units=self._meetings,
            handlers={ConnectionClosed: PresenceKeeper(self.clock)},
        )
        self.units = SqlUnits(self.database, SqlSignalingUnit, self.clock, self.ids)
        self.limits = limits
        self.timings = timings
        self.signaling = self.make()
        self.http: aiohttp.ClientSession
        self.url = ""

    def make(self) -> Signaling:
        """Make the signalling of a process on this store."""
        return Signaling(
            units=self.units,
            sole=self.feed,
            tail=LogTail(self.database),
            tokens=self.tokens,
            user=self.users,
            meeting=self.meeting,
            clock=self.clock,
            ids=self.ids,
            limits=self.limits,
            timings=self.timings,
            ice_urls=("stun:stun.example.org",),
        )

    def call(self, user_id: int) -> Call:
        """Make the call of a user."""
        caller = Caller(user_id=user_id, username=f"user{user_id}", token_id=f"t{user_id}")
        return Call(caller=caller, request_id="test")

    def token(self, user_id: int) -> str:
        """Seal an access token."""
        return self.tokens.access(user_id, f"user{user_id}", "")[0]

    async def started(
        self, host: int = 1, *, private: bool = False, seats: int = 100, password: str = ""
    ) -> Meeting:
        """Create and start a meeting."""
        kind = MeetingType.PRIVATE if private else MeetingType.VIDEO
        draft = Draft(
            title="Stand-up",
            description="",
            start_time=self.clock.now(),
            end_time=self.clock.now() + timedelta(hours=1),
            max_participants=seats,
            meeting_type=kind,
            password=Secret(password) if password else None,
            settings=Settings(),
        )
        made = await self.schedule.create(self.call(host), draft)
        return await self.lifecycle.start(self.call(host), made.id)

    async def open(self, user_id: int, query: str = "", **headers: str) -> Peer:
        """Open a socket with the user's token in the header."""
        headers = {"Authorization": f"Bearer {self.token(user_id)}"} | headers
        return Peer(await self.http.ws_connect(self.url + query, headers=headers, max_msg_size=0))

    async def refused(self, query: str = "", **headers: str) -> int:
        """Ask for the upgrade and return the status of the refusal."""
        try:
            socket = await self.http.ws_connect(self.url + query, headers=headers)
        except aiohttp.WSServerHandshakeError as error:
            return error.status
        await socket.close()
        return 101

    async def seated(self, meeting_id: int, user_id: int, peer_id: str = "") -> Peer:
        """Open a socket and join; what the joiner got is read."""
        peer = await self.open(user_id)
        answer = await peer.join(meeting_id, peer_id=peer_id or f"p{user_id}")
        assert answer["type"] == "joined", answer
        return peer

    async def settle(self) -> None:
        """Let both domains consume what has been announced, and members hear of it."""
        signaling = self.signaling
        reactions = signaling.reactions.users, signaling.reactions.rooms
        steps = (signaling.decisions.consumer, self.keeper, *reactions)
        while any([await each.step() for each in steps]):
            pass

    async def pass_time(self, seconds: float, *, settled: bool = True) -> None:
        """Move the clock in steps, and do at each what runs in the background."""
        while seconds > 0:
            self.clock.move(timedelta(seconds=min(5.0, seconds)))
            seconds -= 5
            await self.signaling.presence.renew(self.signaling.seats.places())
            await self.signaling.presence.sweep()
            await self.tell()
        if settled:
            await self.settle()

    async def tell(self) -> list[tuple[int, str]]:
        """Let the user domain be told what there is to tell; return all that it was told."""
        await self.signaling.online.hold()
        while await self.signaling.online.say():
            pass
        return self.users.statuses

    async def revoke(self, user_id: int, jti: str = "") -> None:
        """Announce what a logout announces."""

        class UserUnit(SqlUnit):
            SOURCE = "user"

        async with SqlUnits(self.database, UserUnit, self.clock, self.ids).write() as unit:
            unit.append(UserRevoked(user_id=user_id, reason="logout", jti=jti))

    async def closures(self) -> list[dict[str, Any]]:
        """Return what was announced about connections that closed."""
        wanted = select(outbox.c.payload).where(outbox.c.type == ConnectionClosed.TYPE)
        async with self.database.read() as connection:
            rows = await connection.execute(wanted.order_by(outbox.c.position))
            return list(rows.scalars())

    async def keys(self, prefix: str = "signaling/") -> list[str]:
        """Return the keys of all places, or of other leases."""
        async with self.database.read() as connection:
            found = (await connection.execute(select(leases.c.key))).scalars()
            return [key for key in found if key.startswith(prefix)]

    async def announced(self, count: int) -> list[dict[str, Any]]:
        """Wait until that many closures were announced."""
        async with asyncio.timeout(PATIENCE):
            while len(found := await self.closures()) < count:
                await self.feed.wait("test", TOPIC, 0.05)
        return found


@asynccontextmanager
async def world(
    folder: Path,
    server: Server,
    limits: Limits | None = None,
    timings: Timings | None = None,
    *,
    spare: int = CONNECTIONS,
) -> AsyncIterator[World]:
    """Open a world and serve it, with `spare` connections beside its sockets."""
    made = World(at(folder), limits or Limits(), timings or Timings())
    async with made.database.write() as connection:
        await connection.run_sync(metadata.create_all)
    await made.signaling.start()
    port = serve(made, server, made.limits.sockets + spare)
    await port.start()
    made.url = f"http://127.0.0.1:{port.port}/ws"
    try:
        async with aiohttp.ClientSession() as made.http:
            yield made
    finally:
        await made.signaling.drain()
        await port.stop()
        await made.database.close()


def serve(made: World, server: Server, room: int) -> Listening:
    """Put the signalling of a world on one of the servers."""
    if server == "gateway":
        bounds = Bounds(connections=room - made.limits.sockets, sockets=made.limits.sockets)
        return Fronted(serve(made, "aiohttp", room), made.tokens, bounds=bounds, origins=ORIGINS)
    if server == "aiohttp":
        app = aio.app(
            made.signaling, origins=ORIGINS, ids=made.ids, clock=made.clock, tokens=made.tokens
        )
        return aio.Port(app, "127.0.0.1", 0, setting="signaling.port", connections=room)
    route = asgi.route(
        made.signaling, origins=ORIGINS, ids=made.ids, clock=made.clock, tokens=made.tokens
    )
    app_ = Litestar([route], openapi_config=None, logging_config=None)
    return Listener(
        app_,  # type: ignore[arg-type]
        "127.0.0.1",
        0,
        setting="http.port",
        connections=room,
    )
