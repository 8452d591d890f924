"""The user domain as other domains call it, on its real store."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import text

from meeting.domains.user.api import UserApi
from meeting.kernel.call import Call, Caller, Role
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.ids import MAX_ID
from tests.front import Front, Way, front

SERVICE = Call(caller=Caller(service="meeting"), request_id="x")


@pytest.fixture
async def house(way: Way, tmp_path: Path) -> AsyncIterator[Front]:
    """One house a test, with two users."""
    async with front(tmp_path, way=way) as opened:
        await opened.register("alice", nickname="Alice A.")
        await opened.register("bob")
        yield opened


async def test_it_is_what_other_domains_expect(house: Front) -> None:
    """The service satisfies the face that other domains are written against."""
    service: UserApi = house.service
    found = await service.get_user(SERVICE, 1)
    assert (found.username, found.full_name, found.email) == (
        "alice",
        "Alice A.",
        "alice@example.org",
    )


@pytest.mark.parametrize("user_id", [0, -1, 3, MAX_ID, MAX_ID + 1, 2**70])
async def test_nobody_is_user_not_found(house: Front, user_id: int) -> None:
    """An id that is nobody's, or can't be one, is `user_not_found`."""
    with pytest.raises(Fault) as caught:
        await house.service.get_user(SERVICE, user_id)
    assert caught.value.kind is Kind.USER_NOT_FOUND


async def test_users_may_not_promote(house: Front) -> None:
    """Promoting is for the command line, whoever asks."""
    call = Call(caller=Caller(user_id=1, role=Role.SUPER), request_id="x")
    with pytest.raises(Fault) as caught:
        await house.accounts.promote(call, "alice")
    assert caught.value.kind is Kind.FORBIDDEN


async def test_validation_never_fails_and_says_why(house: Front) -> None:
    """Each kind of bad token has its word; a good one says whose it is."""
    token = (await house.login())["token"]
    good = await house.service.validate_token(SERVICE, token)
    assert (good.valid, good.user_id, good.username, good.role) == (True, 1, "alice", Role.USER)
    for nonsense in ("", "x", token + "x", "\ud800", "a.b.c"):
        assert (await house.service.validate_token(SERVICE, nonsense)).error == "malformed"
    async with house.database.write() as connection:
        await connection.execute(text("UPDATE users SET status = 2"))
    assert (await house.service.validate_token(SERVICE, token)).error == "banned"
    async with house.database.write() as connection:
        await connection.execute(text("DELETE FROM users"))
    assert (await house.service.validate_token(SERVICE, token)).error == "revoked"
    house.clock.move(timedelta(days=1))
    assert (await house.service.validate_token(SERVICE, token)).error == "expired"


async def test_an_id_is_never_given_out_twice(house: Front) -> None:
    """The id of a deleted account stays with what it left behind."""
    async with house.database.write() as connection:
        await connection.execute(text("DELETE FROM users"))
    assert (await house.register("carol"))["id"] == 3


async def test_promoting_nobody(house: Front) -> None:
    """Promoting an unknown name is told; promoting twice changes nothing; a super stays one."""
    cli = Call(caller=Caller(service="cli"), request_id="x")
    with pytest.raises(Fault) as caught:
        await house.accounts.promote(cli, "nobody")
    assert caught.value.kind is Kind.USER_NOT_FOUND
    for _ in range(2):
        assert (await house.accounts.promote(cli, "bob@example.org")).role is Role.ADMIN
    async with house.database.write() as connection:
        await connection.execute(text("UPDATE users SET role = 4 WHERE id = 1"))
    assert (await house.accounts.promote(cli, "alice")).role is Role.SUPER


@pytest.mark.parametrize("by", ["login", "refresh"])
async def test_what_is_over_is_forgotten(house: Front, by: str) -> None:
    """A login and a refresh sweep the user's own credentials that ended by themselves."""
    session = await house.login()
    await house.post("/auth/logout", headers={"Authorization": f"Bearer {session['token']}"})
    house.clock.move(timedelta(days=20))
    client = await house.login()
    house.clock.move(timedelta(days=11))
    if by == "login":
        await house.login()
    else:
        given = {"refresh_token": client["refresh_token"]}
        assert (await house.post("/auth/refresh", given))[0] == 200
    async with house.database.read() as connection:
        for table, left in (("user_refresh_tokens", 2), ("user_revocations", 0)):
            count = await connection.scalar(text(f"SELECT count(*) FROM {table}"))  # noqa: S608
            assert count == left
