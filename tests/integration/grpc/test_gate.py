"""Who may call what, and that nobody's message is read before that is known."""

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from meeting.kernel.call import MAX_DEPTH, Role
from meeting.kernel.errors import Fault, Kind
from meeting.transports.grpc import user
from meeting.transports.grpc.gate import Gate
from meeting.transports.grpc.service import Rpc, rows, service
from meeting.transports.http.limits import Limits
from meeting.transports.policy import LATER, RPCS, Who
from meeting.transports.services import loopback
from tests.front import Front, front
from tests.integration.grpc.raw import raw
from tests.integration.grpc.world import SECRET, SERVICE, Stub, desk, port, stub

PATH = "/grpc.UserService/GetUser"
TRUSTED = {"authorization": f"Bearer {SECRET}"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Front]:
    """The user domain, where a user may ask thrice a minute."""
    async with front(tmp_path, limits=Limits(per_user=3)) as opened:
        yield opened


@pytest.fixture
async def theirs(house: Front) -> AsyncIterator[Stub]:
    """Google's client of it."""
    async with port(house) as opened, stub(opened) as client:
        yield client


async def bearer(house: Front, name: str = "alice") -> list[tuple[str, str]]:
    """Make an account, and return the metadata of its user."""
    return [("authorization", (await house.bearer(name))["Authorization"])]


@pytest.mark.parametrize("path", [*sorted(RPCS), "/grpc.UserService/Nothing", "/x", "/grpc.Y/Z"])
async def test_each_row_of_the_policy(house: Front, path: str) -> None:
    """Each call is open to whom its row says, and what there is not is open to nobody."""
    rule = RPCS.get(path)
    gate = Gate(desk(house), RPCS)
    token = (await bearer(house))[0][1]
    who = {"": Kind.UNAUTHENTICATED, "nonsense": Kind.UNAUTHENTICATED, token: None}
    if rule is None:
        who |= {token: Kind.METHOD_NOT_ALLOWED, TRUSTED["authorization"]: Kind.METHOD_NOT_ALLOWED}
    elif rule.who is Who.OPEN:
        who = dict.fromkeys(who)
    elif rule.who is Who.SERVICE:
        who |= {token: Kind.FORBIDDEN, TRUSTED["authorization"]: None}
    for authorization, kind in who.items():
        found = None
        try:
            await gate.admit(path, {"authorization": authorization}, "127.0.0.1")
        except Fault as fault:
            found = fault.kind
        assert found is kind, authorization


async def test_nothing_is_read_of_who_may_not_call(house: Front) -> None:
    """A refusal comes before the message, also for calls that there are not or not yet."""
    async with port(house) as opened, raw(opened) as client:
        for path in (PATH, "/grpc.UserService/GetUsersByIds", "/grpc.UserService/Nothing", "/x"):
            stream = client.open(path=path)
            assert (await client.until_over(stream))["grpc-status"] == "16"
            stream = client.open(path=path, authorization="Bearer nonsense")
            assert (await client.until_over(stream))["grpc-status"] == "16"
        stream = client.open(path="/grpc.UserService/Nothing", authorization=SERVICE[0][1])
        assert (await client.until_over(stream))["grpc-status"] == "12"


async def test_a_user_is_who_their_token_says(house: Front, theirs: Stub) -> None:
    """A user sees all of themselves and little of others, whatever their metadata claims."""
    alice = await bearer(house)
    await house.register("bob")
    claims = [("x-service", "meeting"), ("x-user-id", "2"), ("x-depth", "nonsense")]
    own = await theirs.call("UserService/GetUser", [*alice, *claims], user_id=1)
    assert (own.email, own.status) == ("alice@example.org", "active")
    other = await theirs.call("UserService/GetUser", [*alice, *claims], user_id=2)
    assert (other.username, other.email, other.HasField("created_at")) == ("bob", "", False)
    code, _ = await theirs.refused("UserService/UpdateUserStatus", alice, user_id=1)
    assert code == "PERMISSION_DENIED"


async def test_a_token_that_is_over(house: Front, theirs: Stub) -> None:
    """After logout and after a day a token is good for nothing here, too."""
    alice = await bearer(house)
    await house.post("/auth/logout", {}, headers={"Authorization": alice[0][1]})
    assert (await theirs.refused("UserService/GetUser", alice, user_id=1))[0] == "UNAUTHENTICATED"
    bob = await bearer(house, "bob")
    house.clock.move(timedelta(hours=25))
    code, text = await theirs.refused("UserService/GetUser", bob, user_id=1)
    assert (code, "over" in text) == ("UNAUTHENTICATED", True)


async def test_a_users_calls_count_with_their_requests(house: Front, theirs: Stub) -> None:
    """The limit of a minute holds over HTTP and gRPC together, before 404 and UNIMPLEMENTED."""
    alice = await bearer(house)
    header = {"Authorization": alice[0][1]}
    for _ in range(2):
        assert (await house.get("/users/profile", headers=header))[0] == 200
    assert (await theirs.refused("UserService/GetUser", alice, user_id=1))[0] == "OK"
    refused = await theirs.refused("UserService/GetUsersByIds", alice, user_ids=[1])
    assert refused[0] == "RESOURCE_EXHAUSTED"
    assert (await house.get("/users/profile", headers=header))[0] == 429


async def test_what_a_service_says_is_believed(house: Front) -> None:
    """With the service token the caller is who they say, for whom they say."""
    gate = Gate(desk(house), RPCS)
    said = {"x-service": "meeting", "x-user-id": "7", "x-request-id": "r-1", "x-depth": "1"}
    found = await gate.admit(PATH, TRUSTED | said, "127.0.0.1")
    assert (found.caller.service, found.caller.user_id) == ("meeting", 7)
    assert (found.request_id, found.depth, found.caller.role) == ("r-1", 1, Role.GUEST)
    found = await gate.admit(PATH, TRUSTED, "127.0.0.1")
    assert (found.caller.service, found.caller.user_id, found.depth) == ("service", 0, 0)


async def test_what_nobody_else_says_is_not(house: Front) -> None:
    """Without it the same words mean nothing, not even for the log."""
    gate = Gate(desk(house), RPCS)
    said = {"x-service": "meeting", "x-user-id": "7", "x-request-id": "r-1", "x-depth": "9"}
    found = await gate.admit("/grpc.UserService/ValidateToken", said, "127.0.0.1")
    assert (found.caller.service, found.caller.user_id, found.depth) == ("", 0, 0)
    assert found.request_id != "r-1"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("x-service", ""),
        ("x-service", "a b"),
        ("x-service", "a" * 65),
        ("x-user-id", "-1"),
        ("x-user-id", "01"),
        ("x-user-id", "4294967295"),
        ("x-user-id", "seven"),
        ("x-request-id", "a b"),
        ("x-request-id", "a" * 65),
        ("x-request-id", "\xe4"),
        ("x-depth", "-1"),
        ("x-depth", str(MAX_DEPTH + 1)),
        ("x-depth", "\u0661"),
        ("grpc-timeout", "soon"),
        ("grpc-timeout", "1"),
        ("grpc-timeout", "123456789S"),
    ],
)
async def test_what_can_not_be_true_is_refused(house: Front, name: str, value: str) -> None:
    """A service that says nonsense hears so, and which header it was."""
    gate = Gate(desk(house), RPCS)
    with pytest.raises(Fault) as refused:
        await gate.admit(PATH, TRUSTED | {name: value}, "127.0.0.1")
    assert refused.value.kind is Kind.VALIDATION
    assert name in refused.value.details


async def test_a_made_secret_is_good_on_its_machine(house: Front) -> None:
    """A service token that nobody set opens nothing for who comes from elsewhere."""
    near = Gate(desk(house, near=True), RPCS)
    far = Gate(desk(house), RPCS)
    for address in ("127.0.0.1", "::1", "::ffff:127.0.0.1"):
        assert (await near.admit(PATH, TRUSTED, address)).caller.is_service
    for address in ("10.0.0.9", "2001:db8::1", "::ffff:10.0.0.9", ""):
        assert (await far.admit(PATH, TRUSTED, address)).caller.is_service
        with pytest.raises(Fault) as refused:
            await near.admit(PATH, TRUSTED, address)
        assert refused.value.kind is Kind.UNAUTHENTICATED
        assert "grpc.secret" in str(refused.value)
        assert not loopback(address)


async def test_patience_is_bounded(house: Front) -> None:
    """A call has as long as its kind, or as its caller will wait, whichever is less."""
    gate, now = Gate(desk(house), RPCS), house.clock.monotonic()
    for timeout, seconds in (("2S", 2), ("250m", 0.25), ("9H", 30), (None, 30)):
        given = TRUSTED | ({} if timeout is None else {"grpc-timeout": timeout})
        assert (await gate.admit(PATH, given, "127.0.0.1")).deadline == now + seconds


def test_a_call_without_a_row_is_not_served() -> None:
    """Who serves a call without saying who may call it does not get it built."""
    stray = Rpc(path="/grpc.UserService/Stray", act=None, decode=bytes, encode=bytes)
    with pytest.raises(LookupError, match=r"policy\.py.*Stray"):
        rows([stray])


def test_all_of_a_service_is_served(house: Front) -> None:
    """A service has somebody for each of its calls, or they are listed as coming later."""
    with pytest.raises(LookupError, match="GetUser"):
        service("UserService", {})
    with pytest.raises(LookupError, match="Nothing"):
        service("UserService", {"Nothing": lambda call, asked: None})
    undone = {rpc.path for rpc in user.served(house.service) if rpc.act is None}
    assert undone == {path for path in LATER if path.startswith("/grpc.UserService/")}
