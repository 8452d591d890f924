"""UserService on a real port: by Google's client, and by our own."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from meeting.domains.user.api import UserApi
from meeting.kernel.call import Role
from meeting.kernel.errors import Fault, Kind
from meeting.transports.grpc.user import UserClient
from tests.front import Front, front
from tests.integration.grpc.world import SERVICE, Stub, call, channel, port, stub


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Front]:
    """The user domain."""
    async with front(tmp_path) as opened:
        yield opened


@pytest.fixture
async def theirs(house: Front) -> AsyncIterator[Stub]:
    """Google's client of it."""
    async with port(house) as opened, stub(opened) as client:
        yield client


@pytest.fixture
async def ours(house: Front) -> AsyncIterator[UserClient]:
    """Our own client of it."""
    async with port(house) as opened, channel(house, opened) as way:
        yield UserClient(way)


async def test_a_user_is_shown_to_services(house: Front, theirs: Stub) -> None:
    """A service sees all of an account."""
    made = await house.register("alice", nickname="Alice")
    found = await theirs.call("UserService/GetUser", SERVICE, user_id=made["id"])
    assert (found.id, found.username, found.email) == (made["id"], "alice", "alice@example.org")
    assert found.created_at.ToDatetime() == house.clock.now().replace(tzinfo=None)


async def test_a_token_is_told_without_credential(house: Front, theirs: Stub) -> None:
    """Whose token it is tells everybody who has it, and a bad one is no error."""
    made = await house.register()
    token = (await house.login())["token"]
    found = await theirs.call("UserService/ValidateToken", token=token)
    assert (found.valid, found.user_id, found.role) == (True, made["id"], "user")
    found = await theirs.call("UserService/ValidateToken", token="nonsense")
    assert (found.valid, found.error) == (False, "malformed")


async def test_our_client_is_a_user_api(house: Front, ours: UserClient) -> None:
    """What the domain answers is what its client answers, and the faults are the same."""
    made = await house.register()
    token = (await house.login())["token"]
    asked = call()
    assert await ours.get_user(asked, made["id"]) == await house.service.get_user(asked, made["id"])
    identity = await ours.validate_token(asked, token)
    assert identity == await house.service.validate_token(asked, token)
    assert identity.role is Role.USER
    await ours.update_user_status(asked, made["id"], "busy")
    wrongs: list[Callable[[UserApi], Awaitable[object]]] = [
        lambda api: api.get_user(asked, 999),
        lambda api: api.update_user_status(asked, made["id"], "asleep"),
    ]
    for wrong in wrongs:
        with pytest.raises(Fault) as there:
            await wrong(ours)
        with pytest.raises(Fault) as here:
            await wrong(house.service)
        assert vars(there.value) == vars(here.value)
        assert str(there.value) == str(here.value)


async def test_who_is_none_gets_nothing(house: Front, ours: UserClient, theirs: Stub) -> None:
    """Without a credential there are only the calls that need none."""
    assert (await theirs.refused("UserService/GetUser", user_id=1))[0] == "UNAUTHENTICATED"
    assert (await theirs.refused("UserService/UpdateUserStatus", user_id=1))[0] == "UNAUTHENTICATED"
    with pytest.raises(Fault) as refused:
        await ours.get_user(call(service=""), 1)
    assert refused.value.kind is Kind.UNAVAILABLE
