"""The suite of `UserApi` over the service object, and over twins that it must reject."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from meeting.domains.user.api import Identity, Person, UserApi
from meeting.domains.user.events import UserStatusChanged
from meeting.domains.user.model import Status
from meeting.domains.user.presence import Presences
from meeting.domains.user.service import UserService
from meeting.kernel.call import Call, Caller
from meeting.stores.relational.outbox import outbox
from meeting.stores.relational.user import users
from tests.contract.api.user import (
    PROMISES,
    World,
    bounded,
    invalid,
    names_alone_to_others,
    present,
    several,
)
from tests.contract.api.ways import WAYS, over
from tests.front import Front, front

Promise = Callable[[World], Awaitable[None]]


class Own:
    """A world whose user domain is in this process."""

    def __init__(self, house: Front, api: UserApi) -> None:
        self.users = api
        self._house = house

    def by(self, user_id: int) -> Call:
        """Make the call of a user."""
        return Call(caller=Caller(user_id=user_id), request_id="r")

    def service(self, user_id: int = 0) -> Call:
        """Make the call of a service."""
        return Call(caller=Caller(user_id=user_id, service="test"), request_id="r")

    async def person(self, name: str) -> int:
        """Register somebody."""
        return int((await self._house.register(name))["id"])

    async def token(self, name: str) -> str:
        """Log somebody in."""
        return str((await self._house.login(name))["token"])

    async def logout(self, token: str) -> None:
        """End a token."""
        status, _ = await self._house.post(
            "/auth/logout", headers={"Authorization": f"Bearer {token}"}
        )
        assert status == 200

    async def ban(self, user_id: int) -> None:
        """Ban an account, for which there is no use case yet."""
        async with self._house.database.write() as connection:
            await connection.execute(
                update(users).where(users.c.id == user_id).values(status=Status.BANNED)
            )

    async def over(self) -> None:
        """Let a day pass."""
        self._house.clock.move(timedelta(days=1))

    async def announced(self) -> list[dict[str, Any]]:
        """Return what was said of presence."""
        wanted = select(outbox.c.payload).where(outbox.c.type == UserStatusChanged.TYPE)
        async with self._house.database.read() as connection:
            rows = await connection.execute(wanted.order_by(outbox.c.position))
            return list(rows.scalars())


@asynccontextmanager
async def own(folder: Path, kind: type[UserService] = UserService) -> AsyncIterator[Own]:
    """Open a world over the service object, whole or broken."""
    async with front(folder) as house:
        presences = Presences(house.units, house.clock)
        yield Own(house, kind(house.units, house.tokens, presences))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
async def test_keeps(way: str, promise: Promise, tmp_path: Path) -> None:
    """The api keeps each promise, by whichever way it is called."""
    async with own(tmp_path) as world, over(way, "user", world.users) as api:
        world.users = api
        await promise(world)


class Telling(UserService):
    """Shows everybody everything."""

    async def get_user(self, call: Call, user_id: int) -> Person:
        """Answer as to a service."""
        return await super().get_user(Call(caller=Caller(service="x"), request_id="r"), user_id)


class Doubling(UserService):
    """Returns whoever is asked for, as often as they are."""

    async def get_users_by_ids(self, call: Call, ids: Sequence[int]) -> list[Person]:
        """Ask for one at a time."""
        found = []
        for one in ids:
            found += await super().get_users_by_ids(call, [one])
        return found


class Raising(UserService):
    """Takes a bad token for an error, as one does who reads a status alone."""

    async def validate_token(self, call: Call, token: str) -> Identity:
        """Say that every token that is no token is a good one."""
        found = await super().validate_token(call, token)
        return found if found.valid else Identity(valid=False, error="malformed")


class Forgetful(UserService):
    """Answers, and writes nothing."""

    async def update_user_status(self, call: Call, user_id: int, status: str) -> None:
        """Do nothing."""


@pytest.mark.parametrize(
    ("twin", "by"),
    [
        (Telling, names_alone_to_others),
        (Doubling, several),
        (Doubling, bounded),
        (Raising, invalid),
        (Forgetful, present),
    ],
    ids=["telling", "doubling", "unbounded", "raising", "forgetful"],
)
async def test_rejects(twin: type[UserService], by: Promise, tmp_path: Path) -> None:
    """The suite turns red on one that tells too much, doubles, names no reason, or forgets."""
    async with own(tmp_path, twin) as world:
        with pytest.raises(AssertionError):
            await by(world)
