"""The notification domain on a database, with a signalling that can be away."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Self

import msgspec

from meeting.domains.notification.history import History
from meeting.domains.notification.model import KEPT, Draft
from meeting.domains.notification.pusher import Pusher
from meeting.domains.notification.reactions import begin, watch
from meeting.domains.signaling.api import Broadcast, Joined, Left, RoomUser
from meeting.domains.user.events import TOPIC, UserLoggedIn, UserRegistered
from meeting.kernel.call import Call, Caller
from meeting.kernel.consumer import Consumer
from meeting.kernel.errors import Fault
from meeting.kernel.ids import RandomIds
from meeting.kernel.message import Event
from meeting.kernel.page import Page
from meeting.stores.relational import migrate
from meeting.stores.relational.database import Database
from meeting.stores.relational.notification import SqlNotificationUnit
from meeting.stores.relational.outbox import Log
from meeting.stores.relational.unit import SqlUnit, SqlUnits
from tests.clock import MovingClock

NAME = "notification"
ANN, BOB = 1, 2
DRAFT = Draft(type="note", title="A title", content="What it is about.")


class UserUnit(SqlUnit):
    """A unit of the publisher."""

    SOURCE = "user"


class Sockets:
    """A `SignalingApi` that remembers what it was told, or fails as it is told to."""

    def __init__(self) -> None:
        self.told: list[tuple[list[int], dict[str, Any]]] = []
        self.faults: list[Exception] = []

    async def broadcast_message(self, call: Call, broadcast: Broadcast) -> None:
        """Remember a broadcast."""
        assert call.caller.service == NAME
        if self.faults:
            raise self.faults.pop(0)
        self.told.append((broadcast.target_user_ids, msgspec.json.decode(broadcast.content)))

    async def notify_user_joined(self, call: Call, joined: Joined) -> None:
        """Nobody says so here."""
        raise AssertionError(joined)

    async def notify_user_left(self, call: Call, left: Left) -> None:
        """Nobody says so here."""
        raise AssertionError(left)

    async def get_room_users(self, call: Call, room_id: str) -> list[RoomUser]:
        """Nobody asks here."""
        raise AssertionError(room_id)


class World:
    """Everything of the notification domain."""

    def __init__(self, database: Database, kept: int = KEPT) -> None:
        self.database = database
        self.clock = MovingClock()
        self.ids = RandomIds()
        unit = partial(SqlNotificationUnit, kept=kept)
        self.units = SqlUnits(database, unit, self.clock, self.ids)
        self.sockets = Sockets()
        self.pusher = Pusher(units=self.units, signaling=self.sockets, ids=self.ids)
        self.history = History(self.units, self._stir)
        self.stirs = 0
        """How often the pusher was told that a frame is owed."""
        self.pauses: list[float] = []
        """How long the consumer waited before it tried an event again."""
        self.users = Consumer(
            NAME,
            TOPIC,
            feed=Log(database),
            units=self.units,
            handlers={
                UserRegistered: begin,
                UserLoggedIn: watch,
            },
            after=lambda unit: self._stir() if unit.owes else None,
            pause=self._pause,
        )

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator[Self]:
        """Fill an empty database by the migrations that users run."""
        database = Database(url)
        await migrate.upgrade(database)
        try:
            yield cls(database)
        finally:
            await database.close()

    def _stir(self) -> None:
        self.stirs += 1
        self.pusher.stir()

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)

    async def announce(self, *events: Event) -> None:
        """Publish events of the user domain, and have them handled."""
        async with SqlUnits(self.database, UserUnit, self.clock, self.ids).write() as unit:
            for event in events:
                unit.append(event)
        while await self.users.step():
            pass

    async def logged_in(self, *addresses: str, user_id: int = ANN) -> None:
        """Publish logins from addresses."""
        for address in addresses:
            await self.announce(
                UserLoggedIn(
                    user_id=user_id,
                    username="ann",
                    login_time=self.clock.now(),
                    ip_address=address,
                )
            )

    async def registered(self, user_id: int = ANN) -> None:
        """Publish that an account was made."""
        await self.announce(
            UserRegistered(
                user_id=user_id,
                username="ann",
                email="ann@example.org",
                registered_at=self.clock.now(),
            )
        )

    async def told(self, user_id: int = ANN, type_: str = "") -> list[str]:
        """Return the types of a user's history, the newest first."""
        found = await self.history.list(as_user(user_id), type_=type_, page=Page(1, 100))
        return [each.type for each in found.rows]

    async def send(self, *titles: str, user_id: int = ANN, push: bool = False) -> None:
        """Have a service tell a user."""
        for title in titles:
            draft = msgspec.structs.replace(DRAFT, title=title)
            await self.history.send(AS_SERVICE, user_id, draft, push=push)


def as_user(user_id: int) -> Call:
    """Make the call of a user."""
    return Call(caller=Caller(user_id=user_id), request_id="r")


AS_SERVICE = Call(caller=Caller(service="media"), request_id="r")


async def fails(world: World) -> Fault:
    """Push, and return what it fails with."""
    try:
        await world.pusher.step()
    except Fault as fault:
        return fault
    raise AssertionError
