"""Accounts and credentials over the wire, by a plain client."""

import asyncio
import re
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import jwt
import pytest
from sqlalchemy import text

from meeting.kernel.call import Call, Caller
from meeting.stores.relational.outbox import Log
from tests.front import PASSWORD, SECRET, Front, Way, front


@pytest.fixture
async def house(way: Way, tmp_path: Path) -> AsyncIterator[Front]:
    """One house a test."""
    async with front(tmp_path, way=way) as opened:
        yield opened


def bearer(token: str) -> dict[str, str]:
    """Make the header."""
    return {"Authorization": f"Bearer {token}"}


async def column(house: Front, query: str) -> list[Any]:
    """Read a column past all our code."""
    async with house.database.read() as connection:
        return list((await connection.execute(text(query))).scalars())


async def test_a_new_user_has_the_contract_s_shape(house: Front) -> None:
    """Registration answers 201 with every field of `user` and without the password."""
    wanted = {"username": "alice", "email": "a@example.org", "password": PASSWORD, "nickname": "A"}
    status, answer = await house.post("/auth/register", wanted)
    assert (status, answer["code"], answer["message"]) == (201, 201, "created")
    assert answer["timestamp"] == "2026-11-24T12:00:00Z"
    user = answer["data"]["user"]
    created = user.pop("created_at")
    assert created == "2026-11-24T12:00:00Z"
    assert user == {
        "id": 1,
        "username": "alice",
        "email": "a@example.org",
        "nickname": "A",
        "avatar": "",
        "phone": "",
        "role": 1,
        "role_name": "user",
        "status": 1,
        "status_name": "active",
        "last_login": None,
    }


async def test_login_by_name_and_by_address(house: Front) -> None:
    """Both get a token that the profile accepts, and the login is remembered."""
    await house.register("Alice")
    for name in ("alice", "ALICE", "Alice@Example.org"):
        session = await house.login(name)
        assert session["expires_in"] == 86400
        status, answer = await house.get("/users/profile", headers=bearer(session["token"]))
        assert status == 200
        assert answer["data"]["username"] == "Alice"
        assert answer["data"]["last_login"] == "2026-11-24T12:00:00Z"


async def test_token_has_the_contract_s_claims(house: Front) -> None:
    """An access token carries the claims that clients of v2.0 read, HS256, for a day."""
    user = await house.register()
    token = (await house.login())["token"]
    claims = jwt.decode(token, SECRET, ["HS256"], options={"verify_exp": False}, issuer=None)
    assert jwt.get_unverified_header(token)["alg"] == "HS256"
    assert claims["sub"] == str(user["id"])
    assert claims["iss"] == "meeting-system"
    assert (claims["user_id"], claims["username"], claims["email"], claims["kind"]) == (
        user["id"],
        "alice",
        "alice@example.org",
        "access",
    )
    assert claims["exp"] - claims["iat"] == 86400
    assert claims["nbf"] == claims["iat"]
    assert claims["jti"]


@pytest.mark.parametrize(
    ("field", "value"), [("username", "ALICE"), ("email", "Alice@EXAMPLE.org")]
)
async def test_names_are_unique_whatever_their_case(house: Front, field: str, value: str) -> None:
    """A second account with the same name or address is 409 and names the field."""
    await house.register("alice")
    wanted = {"username": "bob", "email": "bob@example.org", "password": PASSWORD, field: value}
    status, answer = await house.post("/auth/register", wanted)
    assert (status, answer["code"]) == (409, 10003)
    assert answer["error"] == {"type": "exists", "details": {field: "is taken"}}


async def test_one_of_many_gets_a_name(house: Front) -> None:
    """Of ten registrations of one name at once, one succeeds and nine are 409."""
    wanted = {"username": "alice", "email": "a@example.org", "password": PASSWORD}
    answers = await asyncio.gather(*(house.post("/auth/register", wanted) for _ in range(10)))
    assert sorted(status for status, _ in answers) == [201] + [409] * 9
    assert await column(house, "SELECT count(*) FROM users") == [1]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("username", "ab"),
        ("username", "a" * 21),
        ("username", "alice\n"),
        ("username", "al ice"),
        ("username", "älice"),
        ("username", 7),
        ("email", "nobody"),
        ("email", "a@b\n"),
        ("email", "a@b@c"),
        ("email", "x" * 99 + "@b"),
        ("password", "short"),
        ("password", "x" * 129),
        ("nickname", "x" * 51),
        ("nickname", "line\nbreak"),
        ("phone", "1" * 21),
    ],
)
async def test_bad_fields_are_named(house: Front, field: str, value: Any) -> None:
    """A field that breaks a rule is 400 and named; nothing is kept."""
    wanted = {"username": "alice", "email": "a@example.org", "password": PASSWORD, field: value}
    status, answer = await house.post("/auth/register", wanted)
    assert (status, answer["code"], answer["error"]["type"]) == (400, 400, "validation")
    assert list(answer["error"]["details"]) == [field]
    assert await column(house, "SELECT count(*) FROM users") == [0]


async def test_unknown_name_and_wrong_password_are_one_error(house: Front) -> None:
    """Nobody learns from the answer, or from the work done, whether an account exists."""
    await house.register()
    checked: list[str | None] = []
    verify = house.passwords.verify

    async def counted(hashed: str | None, password: str) -> bool:
        checked.append(hashed)
        return await verify(hashed, password)

    house.passwords.verify = counted  # type: ignore[method-assign]
    wrong = await house.post("/auth/login", {"username": "alice", "password": "wrong horse"})
    unknown = await house.post("/auth/login", {"username": "nobody", "password": "wrong horse"})
    for _, answer in (wrong, unknown):
        answer.pop("timestamp")
        answer.pop("request_id")
    assert wrong == unknown
    assert wrong[0] == 401
    assert wrong[1]["code"] == 10001
    assert [hashed is None for hashed in checked] == [False, True]


async def test_stored_hash_is_costly(house: Front) -> None:
    """The stored hash is argon2id with at least 19 MiB and 2 passes; the password is nowhere."""
    await house.register()
    (stored,) = await column(house, "SELECT password_hash FROM users")
    found = re.fullmatch(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=1\$\S+", stored)
    assert found
    assert int(found[1]) >= 19 * 1024
    assert int(found[2]) >= 2


async def test_banned_is_told_only_to_who_knows_the_password(house: Front) -> None:
    """A banned account is 403 after the right password, 401 after a wrong one, and 401 by token."""
    await house.register()
    token = (await house.login())["token"]
    async with house.database.write() as connection:
        await connection.execute(text("UPDATE users SET status = 2"))
    right = await house.post("/auth/login", {"username": "alice", "password": PASSWORD})
    wrong = await house.post("/auth/login", {"username": "alice", "password": "wrong horse"})
    assert (right[0], right[1]["code"]) == (403, 403)
    assert (wrong[0], wrong[1]["code"]) == (401, 10001)
    assert (await house.get("/users/profile", headers=bearer(token)))[0] == 401


async def test_refresh_rotates(house: Front) -> None:
    """Each refresh gives new credentials, under either name of the field, and keeps no token."""
    await house.register()
    first = await house.login()
    status, second = await house.post("/auth/refresh", {"refresh_token": first["refresh_token"]})
    assert status == 200
    assert set(second["data"]) == {"token", "refresh_token", "expires_in"}
    assert second["data"]["token"] != first["token"]
    status, third = await house.post("/auth/refresh", {"token": second["data"]["refresh_token"]})
    assert status == 200
    assert (await house.get("/users/profile", headers=bearer(third["data"]["token"])))[0] == 200
    kept = await column(house, "SELECT digest FROM user_refresh_tokens")
    assert len(kept) == 3
    assert first["refresh_token"] not in kept


async def test_second_use_of_a_refresh_token_ends_its_family(house: Front) -> None:
    """Whoever uses a spent refresh token ends every token of that login, and of no other."""
    await house.register()
    stolen, other = await house.login(), await house.login()
    _, answer = await house.post("/auth/refresh", {"refresh_token": stolen["refresh_token"]})
    successor = answer["data"]
    status, answer = await house.post("/auth/refresh", {"refresh_token": stolen["refresh_token"]})
    assert (status, answer["code"]) == (401, 10004)
    again = {"refresh_token": successor["refresh_token"]}
    assert (await house.post("/auth/refresh", again))[0] == 401
    for token in (stolen["token"], successor["token"]):
        assert (await house.get("/users/profile", headers=bearer(token)))[0] == 401
    assert (await house.get("/users/profile", headers=bearer(other["token"])))[0] == 200
    assert (await house.post("/auth/refresh", {"token": other["refresh_token"]}))[0] == 200


async def test_a_refresh_token_raced_for_is_used_once(house: Front) -> None:
    """Of eight refreshes with one token at once, one succeeds, and then the family is over."""
    await house.register()
    given = {"refresh_token": (await house.login())["refresh_token"]}
    answers = await asyncio.gather(*(house.post("/auth/refresh", given) for _ in range(8)))
    assert sorted(status for status, _ in answers) == [200] + [401] * 7
    (winner,) = [answer["data"] for status, answer in answers if status == 200]
    assert (await house.get("/users/profile", headers=bearer(winner["token"])))[0] == 401


async def test_refresh_token_is_over_after_thirty_days(house: Front) -> None:
    """A refresh token is good until its thirtieth day and not after."""
    await house.register()
    session = await house.login()
    house.clock.move(timedelta(days=30))
    assert (await house.post("/auth/refresh", {"token": session["refresh_token"]}))[0] == 401


@pytest.mark.parametrize("sent", [{}, {"refresh_token": None}, {"token": ""}])
async def test_refresh_needs_a_token(house: Front, sent: dict[str, Any]) -> None:
    """A refresh without a token is 400, an unknown one 401."""
    status, answer = await house.post("/auth/refresh", sent)
    assert status == 400
    assert answer["error"]["details"] == {"refresh_token": "is required"}
    assert (await house.post("/auth/refresh", {"token": "0" * 64}))[0] == 401


async def test_logout_ends_token_and_family_and_says_so_once(house: Front) -> None:
    """After logout neither token works, and `user.revoked` names the token that died."""
    user = await house.register()
    session, other = await house.login(), await house.login()
    headers = bearer(session["token"])
    async with house.client.post("/api/v1/auth/logout", headers=headers) as response:
        assert response.status == 200
        assert (await response.json())["data"] == {}
    assert (await house.post("/auth/logout", headers=headers))[0] == 401
    assert (await house.get("/users/profile", headers=headers))[0] == 401
    assert (await house.post("/auth/refresh", {"token": session["refresh_token"]}))[0] == 401
    assert (await house.get("/users/profile", headers=bearer(other["token"])))[0] == 200
    entries = await Log(house.database).pull("test", "user_events")
    jti = house.tokens.open(session["token"], "access").jti
    revoked = [each.message.payload for each in entries if each.message.type == "user.revoked"]
    assert revoked == [{"user_id": user["id"], "reason": "logout", "jti": jti}]


async def test_logout_takes_another_family_of_its_own_user_only(house: Front) -> None:
    """The named refresh token dies with the logout if it is the caller's, else it lives on."""
    await house.register("alice")
    await house.register("bob")
    first, second, bob = await house.login(), await house.login(), await house.login("bob")
    for token in (second["refresh_token"], bob["refresh_token"]):
        wanted = await house.login()
        status, _ = await house.post(
            "/auth/logout", {"refresh_token": token}, headers=bearer(wanted["token"])
        )
        assert status == 200
    assert (await house.get("/users/profile", headers=bearer(second["token"])))[0] == 401
    assert (await house.get("/users/profile", headers=bearer(first["token"])))[0] == 200
    assert (await house.post("/auth/refresh", {"token": bob["refresh_token"]}))[0] == 200


async def test_a_token_ends_after_a_day(house: Front) -> None:
    """An access token is good for 24 hours; then it is `token_expired`."""
    headers = await house.bearer()
    house.clock.move(timedelta(hours=24) - timedelta(seconds=1))
    assert (await house.get("/users/profile", headers=headers))[0] == 200
    house.clock.move(timedelta(seconds=1))
    status, answer = await house.get("/users/profile", headers=headers)
    assert (status, answer["code"], answer["error"]["type"]) == (401, 10005, "token_expired")


def forged(**changes: Any) -> str:
    """Sign claims that would be good but for the changes."""
    secret = changes.pop("secret", SECRET)
    algorithm = changes.pop("algorithm", "HS256")
    claims = {
        "user_id": 1,
        "username": "alice",
        "email": "alice@example.org",
        "iss": "meeting-system",
        "sub": "1",
        "kind": "access",
        "jti": "0" * 32,
        "iat": 1795521600,
        "nbf": 1795521600,
        "exp": 1895608000,
    } | changes
    return jwt.encode(claims, secret, algorithm=algorithm)


async def test_a_well_made_token_is_good(house: Front) -> None:
    """The forgeries below fail for what they change and nothing else."""
    await house.register()
    assert (await house.get("/users/profile", headers=bearer(forged())))[0] == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"algorithm": "none", "secret": ""},
        {"algorithm": "HS512"},
        {"secret": "meeting-system-secret-key-change-in-production"},
        {"secret": "default-secret-key-for-testing!!"},
        {"kind": "ticket"},
        {"kind": "refresh"},
        {"iss": "somebody-else"},
        {"sub": "2"},
        {"user_id": 2},
        {"user_id": "1"},
        {"jti": None},
    ],
    ids=str,
)
async def test_forged_tokens_are_refused(house: Front, changes: dict[str, Any]) -> None:
    """Another algorithm, secret, kind, issuer or subject is 401 (weakness 17)."""
    await house.register()
    await house.register("bob")
    status, answer = await house.get("/users/profile", headers=bearer(forged(**changes)))
    assert (status, answer["code"]) == (401, 10004)


async def test_a_ticket_is_no_token(house: Front) -> None:
    """A ticket opens no route, though it is signed with the same secret."""
    user = await house.register()
    ticket = house.tokens.ticket(user["id"], "alice", parent="x", until=2**33)
    assert (await house.get("/users/profile", headers=bearer(ticket)))[0] == 401


async def test_a_ticket_dies_with_the_token_that_asked_for_it(house: Front) -> None:
    """Logout ends the tickets of its token, too."""
    user = await house.register()
    token = (await house.login())["token"]
    claims = house.tokens.open(token, "access")
    ticket = house.tokens.ticket(user["id"], "alice", parent=claims.jti, until=claims.exp)
    call = Call(caller=Caller(service="signaling"), request_id="x")
    assert (await house.service.validate_token(call, ticket)).valid
    await house.post("/auth/logout", headers=bearer(token))
    assert (await house.service.validate_token(call, ticket)).error == "revoked"


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Basic YTpi", "Bearer x.y.z", "Bearer \xff", "bearer a"]
)
async def test_no_good_token_is_401(house: Front, header: str) -> None:
    """Whatever stands in the header instead of a token is 401, never more."""
    headers = {"Authorization": header} if header else {}
    assert (await house.get("/users/profile", headers=headers))[0] == 401


async def test_role_comes_from_the_store(house: Front) -> None:
    """A promoted user is an admin with the next request, by the token they had before."""
    headers = await house.bearer()
    cli = Call(caller=Caller(service="cli"), request_id="x")
    promoted = await house.accounts.promote(cli, "ALICE")
    assert promoted.role.name == "ADMIN"
    _, answer = await house.get("/users/profile", headers=headers)
    assert (answer["data"]["role"], answer["data"]["role_name"]) == (3, "admin")


async def test_a_restart_loses_nothing(way: Way, tmp_path: Path) -> None:
    """Accounts, tokens and revocations outlive the process."""
    async with front(tmp_path, way=way) as house:
        headers = await house.bearer()
        await house.register("bob")
        gone = bearer((await house.login("bob"))["token"])
        await house.post("/auth/logout", headers=gone)
    async with front(tmp_path, way=way) as house:
        assert (await house.get("/users/profile", headers=headers))[0] == 200
        assert (await house.get("/users/profile", headers=gone))[0] == 401
