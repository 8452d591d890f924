"""What the user domain's handlers do with tasks of ours and of anybody, on both stores."""

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from meeting.domains.user.logins import Logins
from meeting.domains.user.model import NewUser, Presence
from meeting.domains.user.presence import Presences
from meeting.domains.user.profile import Change, Profiles
from meeting.domains.user.tasks import (
    QUEUE,
    UserLogin,
    UserProfileUpdate,
    UserRegister,
    UserStatusChange,
)
from meeting.domains.user.welcome import Welcome
from meeting.kernel.call import Call, Caller
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.ids import RandomIds
from meeting.kernel.letter import Letter
from meeting.kernel.mail import Mail
from meeting.kernel.page import Page
from meeting.kernel.secret import Secret
from meeting.kernel.task import Task
from meeting.kernel.work import Work
from meeting.stores.relational.database import Database, metadata
from meeting.stores.relational.outbox import outbox
from meeting.stores.relational.queue import SqlQueue
from meeting.stores.relational.unit import SqlUnits
from meeting.stores.relational.user import SqlUserUnit
from tests.clock import MovingClock

ANN = Call(caller=Caller(user_id=1, username="ann"), request_id="x")


class Box:
    """A `Post` that keeps what it takes, and can be away."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []
        self.away = False

    async def send(self, mail: Mail) -> None:
        """Keep a mail."""
        if self.away:
            raise Fault(Kind.UNAVAILABLE, "away", details={"peer": "mail"})
        self.mails.append(mail)


class Desk:
    """The handlers on a store, given one task at a time."""

    def __init__(self, database: Database) -> None:
        self.clock, ids = MovingClock(), RandomIds()
        self.database, self.box = database, Box()
        self.queue = SqlQueue(database, self.clock, ids)
        self.units = SqlUnits(database, SqlUserUnit, self.clock, ids)
        self.logins, self.profiles = Logins(self.units, self.clock), Profiles(self.units)
        self.presences = Presences(self.units, self.clock)
        self.handlers: dict[type[Task], Any] = {
            UserRegister: Welcome(self.units, self.box, self.clock, ids),
            UserLogin: self.logins,
            UserProfileUpdate: self.profiles,
            UserStatusChange: self.presences,
        }

    async def give(self, kind: type[Task], **payload: Any) -> None:
        """Lay a task into the queue as anybody could, and have all that is there handled."""
        await self.queue.put(QUEUE, [Letter(type=kind.TYPE, payload=payload)])
        await self.work()

    async def work(self) -> None:
        """Handle what waits; what fails is given back for another time."""
        kinds = {kind.TYPE: kind for kind in self.handlers}
        for held in await self.queue.take(QUEUE, "test", 10):
            kind = kinds[held.letter.type]
            async with asyncio.timeout(None) as limit:
                try:
                    await self.handlers[kind](kind.read(held.letter), Work(held, self.queue, limit))
                except Fault:
                    await self.queue.release([held])
                    raise

    async def events(self) -> list[tuple[str, dict[str, Any]]]:
        """Return what was announced."""
        async with self.database.read() as connection:
            rows = await connection.execute(
                select(outbox.c.type, outbox.c.payload).order_by(outbox.c.position)
            )
            return [(row.type, row.payload) for row in rows]


@pytest.fixture
async def desk(url: str) -> AsyncIterator[Desk]:
    """One desk with ann, user 1."""
    database = Database(url)
    async with database.write() as connection:
        await connection.run_sync(metadata.create_all)
    opened = Desk(database)
    async with opened.units.write() as unit:
        for name in ("ann", "bob"):
            await unit.add(
                NewUser(
                    username=name,
                    email=f"{name}@example.org",
                    password_hash=Secret("x"),
                    nickname=name.title(),
                    created_at=opened.clock.now(),
                )
            )
    yield opened
    await database.close()


async def test_the_welcome_is_one_whoever_asks(desk: Desk) -> None:
    """By id, by name, again, with a strange address: one mail, to the account's own address."""
    await desk.give(UserRegister, username="ANN", email="mallory@example.org")
    await desk.give(UserRegister, user_id=1)
    await desk.give(UserRegister, user_id=1, username="bob", email="mallory@example.org")
    assert [mail.address for mail in desk.box.mails] == ["ann@example.org"]


async def test_a_second_task_leaves_the_mail_to_the_first(desk: Desk) -> None:
    """While the one that claimed the mail has trouble, another does nothing; the first sends it."""
    desk.box.away = True
    with pytest.raises(Fault):
        await desk.give(UserRegister, user_id=1)
    first = (await desk.queue.take(QUEUE, "other", 1))[0]
    desk.box.away = False
    await desk.give(UserRegister, user_id=1)
    assert desk.box.mails == []
    await desk.queue.release([first])
    await desk.work()
    assert len(desk.box.mails) == 1


async def test_a_claim_whose_task_is_gone_passes_on(desk: Desk) -> None:
    """A mail that the task which took it on never sent goes out by another, an hour later."""
    desk.box.away = True
    with pytest.raises(Fault):
        await desk.give(UserRegister, user_id=1)
    (first,) = await desk.queue.take(QUEUE, "other", 1)
    await desk.queue.settle([first])
    desk.box.away = False
    desk.clock.move(timedelta(minutes=61))
    await desk.give(UserRegister, user_id=1)
    await desk.give(UserRegister, user_id=1)
    assert len(desk.box.mails) == 1


@pytest.mark.parametrize(
    ("kind", "payload"),
    [
        (UserRegister, {"username": "nobody"}),
        (UserRegister, {"user_id": 77, "username": "ann"}),
        (UserLogin, {"user_id": 77, "username": "x"}),
        (UserProfileUpdate, {"user_id": 77, "updates": {"full_name": "x"}}),
        (UserStatusChange, {"user_id": 77, "status": "online"}),
    ],
)
async def test_nobody_is_dead_at_once(
    desk: Desk, kind: type[Task], payload: dict[str, Any]
) -> None:
    """A task about an unknown user is `user_not_found`, which no worker tries again."""
    with pytest.raises(Fault) as caught:
        await desk.give(kind, **payload)
    assert caught.value.kind is Kind.USER_NOT_FOUND


async def test_the_log_keeps_the_newest(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Logins are listed newest first, however they come, and the oldest go."""
    monkeypatch.setattr("meeting.domains.user.logins.KEPT", 3)
    for minute in (2, 1, 4, 0, 3):
        at = desk.clock.now() - timedelta(minutes=minute)
        await desk.give(
            UserLogin, user_id=1, username="ann", ip_address="::1", login_time=at.isoformat()
        )
    found = await desk.logins.page(ANN, Page(1, 2))
    now = desk.clock.now()
    assert [(now - each.login_time).seconds // 60 for each in found.rows] == [0, 1]
    assert found.total == 3


async def test_a_profile_is_announced_as_it_is(desk: Desk) -> None:
    """The event has the present values of what the task names; the task's own are no news."""
    changed = await desk.profiles.update(ANN, Change(nickname="Annie", avatar="a.png"))
    assert (changed.nickname, changed.phone) == ("Annie", "")
    await desk.work()
    await desk.give(UserProfileUpdate, user_id=2, updates={"full_name": "Mallory", "role": 4})
    assert await desk.events() == [
        (
            "user.profile_updated",
            {"user_id": 1, "updates": {"full_name": "Annie", "avatar": "a.png"}},
        ),
        ("user.profile_updated", {"user_id": 2, "updates": {"full_name": "Bob"}}),
    ]


async def test_an_address_is_one_account_s(desk: Desk) -> None:
    """Somebody else's e-mail address is refused, whatever its case, and nothing is changed."""
    with pytest.raises(Fault) as caught:
        await desk.profiles.update(ANN, Change(nickname="x", email="BOB@example.org"))
    assert (caught.value.kind, dict(caught.value.details)) == (Kind.EXISTS, {"email": "is taken"})
    assert await desk.events() == []


async def test_the_newest_word_stands(desk: Desk) -> None:
    """Presence follows the newest word: late, equal and future ones don't win; changes are told."""
    first = desk.clock.now()
    await desk.give(UserStatusChange, user_id=1, status="busy", changed_at="9000-01-01T00:00:00Z")
    await desk.give(UserStatusChange, user_id=1, status="away", changed_at=first.isoformat())
    early = (first - timedelta(minutes=1)).isoformat()
    await desk.give(UserStatusChange, user_id=1, status="online", changed_at=early)
    desk.clock.move(timedelta(seconds=5))
    async with desk.units.read() as unit:
        stands = await unit.standing(1)
    assert stands is not None
    assert (stands.status, stands.changed_at, stands.last_seen) == ("busy", first, first)
    await desk.presences.set(1, Presence.OFFLINE)
    await desk.work()
    async with desk.units.read() as unit:
        stands = await unit.standing(1)
    assert stands is not None
    assert (stands.status, stands.last_seen) == ("offline", desk.clock.now())
    assert await desk.events() == [
        ("user.status_changed", {"user_id": 1, "old_status": "offline", "new_status": "busy"}),
        ("user.status_changed", {"user_id": 1, "old_status": "busy", "new_status": "offline"}),
    ]
