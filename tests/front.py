"""The user domain behind a real HTTP port on SQLite, all in the test's own process."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Literal

import aiohttp
from litestar.handlers import HTTPRouteHandler

from meeting.domains.user.accounts import Accounts
from meeting.domains.user.logins import Logins
from meeting.domains.user.presence import Presences
from meeting.domains.user.profile import Profiles
from meeting.domains.user.service import UserService
from meeting.domains.user.sessions import Sessions
from meeting.kernel.ids import RandomIds
from meeting.kernel.password import Passwords
from meeting.kernel.secret import Secret
from meeting.kernel.token import Tokens
from meeting.stores.relational.database import Database, metadata
from meeting.stores.relational.idempotency import SqlAnswers
from meeting.stores.relational.unit import SqlUnits
from meeting.stores.relational.user import SqlUserUnit
from meeting.transports.gateway.bounds import Bounds
from meeting.transports.http import app, body, health, user
from meeting.transports.http.envelope import Envelopes
from meeting.transports.http.gate import Desk
from meeting.transports.http.idempotency import Once
from meeting.transports.http.limits import Limits, Window
from meeting.transports.http.server import Listener
from tests.clock import MovingClock
from tests.gateway import SERVICES, Fronted, Listening
from tests.stores import at

SECRET = "a secret of a test, long enough that no algorithm of HMAC complains about it"
PASSWORD = "correct horse"
Way = Literal["straight", "gateway"]


class Front:
    """The parts of the house that a test may look at or break, and its address."""

    def __init__(self, database: Database, limits: Limits, origins: Sequence[str]) -> None:
        self.clock = MovingClock()
        self.ids = RandomIds()
        self.database = database
        self.tokens = Tokens(Secret(SECRET), self.clock, self.ids)
        self.passwords = Passwords()
        self.units = SqlUnits(database, SqlUserUnit, self.clock, self.ids)
        self.accounts = Accounts(self.units, self.passwords, self.clock)
        self.sessions = Sessions(self.units, self.passwords, self.tokens, self.clock, self.ids)
        self.presences = Presences(self.units, self.clock)
        self.profiles = Profiles(self.units)
        self.logins = Logins(self.units, self.clock)
        self.service = UserService(self.units, self.tokens, self.presences)
        self.answers = SqlAnswers(database, self.clock)
        self.state = health.Readiness("ready", {"user": health.ModuleState("running")})
        self.by_account = Window(limits.per_account, self.clock)
        self.desk = Desk(
            tokens=self.tokens,
            services=SERVICES,
            users=self.service,
            clock=self.clock,
            ids=self.ids,
            limits=limits,
            once=Once(self.answers, self.tokens, self.clock, self.ids),
            by_user=Window(limits.per_user, self.clock),
            by_address=Window(limits.per_address, self.clock),
            bodies=body.Store(limits.bodies_bytes),
            origins=origins,
        )
        self.envelope = Envelopes(self.clock)
        self.url = ""
        self.listener: Listening
        self.client: aiohttp.ClientSession

    async def post(self, path: str, json: Any = None, **options: Any) -> tuple[int, Any]:
        """Send JSON; status and decoded answer."""
        async with self.client.post(f"/api/v1{path}", json=json, **options) as response:
            return response.status, await response.json(content_type=None)

    async def get(self, path: str, **options: Any) -> tuple[int, Any]:
        """Ask; status and decoded answer."""
        async with self.client.get(f"/api/v1{path}", **options) as response:
            return response.status, await response.json(content_type=None)

    async def register(self, name: str = "alice", **more: Any) -> dict[str, Any]:
        """Make an account and return its user."""
        wanted = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
        status, answer = await self.post("/auth/register", wanted | more)
        assert status == 201, answer
        return dict(answer["data"]["user"])

    async def login(self, name: str = "alice") -> dict[str, Any]:
        """Log in and return what came."""
        status, answer = await self.post("/auth/login", {"username": name, "password": PASSWORD})
        assert status == 200, answer
        return dict(answer["data"])

    async def bearer(self, name: str = "alice") -> dict[str, str]:
        """Make an account, log in, and return the header that says so."""
        await self.register(name)
        return {"Authorization": f"Bearer {(await self.login(name))['token']}"}


@asynccontextmanager
async def front(
    folder: Path,
    *,
    limits: Limits = Limits(),  # noqa: B008 - frozen
    origins: Sequence[str] = (),
    routes: Sequence[HTTPRouteHandler] = (),
    drain_seconds: int = 5,
    way: Way = "straight",
) -> AsyncIterator[Front]:
    """Open the port on any free number, with further routes beside the user domain's.

    By the way of the `gateway` its clients meet that first.
    """
    database = Database(at(folder))
    house = Front(database, limits, origins)
    own = user.routes(
        accounts=house.accounts,
        sessions=house.sessions,
        profiles=house.profiles,
        logins=house.logins,
        by_account=house.by_account,
        envelope=house.envelope,
    )
    port = app.build(house.desk, [*own, *routes], health.routes(lambda: house.state))
    listener: Listening = Listener(
        port, "127.0.0.1", 0, setting="http.port", drain_seconds=drain_seconds
    )
    if way == "gateway":
        bounds = Bounds(owners=limits)
        listener = Fronted(
            listener, house.tokens, bounds=bounds, origins=origins, ready=lambda: house.state
        )
    house.listener = listener
    try:
        async with database.write() as connection:
            await connection.run_sync(metadata.create_all)
        await listener.start()
        house.url = f"http://127.0.0.1:{listener.port}"
        async with aiohttp.ClientSession(house.url) as client:
            house.client = client
            yield house
    finally:
        await listener.stop()
        house.passwords.close()
        await database.close()
