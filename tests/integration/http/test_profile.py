"""The profile over REST, and presence as services set it."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from meeting.kernel.call import Call, Caller
from meeting.kernel.errors import Fault, Kind
from tests.front import Front, Way, front


@pytest.fixture
async def house(way: Way, tmp_path: Path) -> AsyncIterator[Front]:
    """One house a test."""
    async with front(tmp_path, way=way) as opened:
        yield opened


async def test_a_profile_is_changed(house: Front) -> None:
    """What is named changes, the rest stays; somebody else's address is 409, a bad one 400."""
    bearer = await house.bearer("alice")
    await house.register("bob")
    for body, status in (
        ({"nickname": "Al", "avatar": "a.png"}, 200),
        ({"phone": "1"}, 200),
        ({"email": "BOB@example.org"}, 409),
        ({"nickname": "x\r\nBcc: y"}, 400),
    ):
        url = "/api/v1/users/profile"
        async with house.client.put(url, json=body, headers=bearer) as answer:
            assert answer.status == status
            said = await answer.json()
        if status == 409:
            assert said["error"]["details"] == {"email": "is taken"}
    _, shown = await house.get("/users/profile", headers=bearer)
    user = shown["data"]
    assert [user[key] for key in ("nickname", "avatar", "phone")] == ["Al", "a.png", "1"]
    assert (await house.get("/users/logins"))[0] == 401


@pytest.mark.parametrize(
    ("caller", "user_id", "status", "kind"),
    [
        (Caller(user_id=1), 1, "online", Kind.FORBIDDEN),
        (Caller(service="signaling"), 1, "here", Kind.VALIDATION),
        (Caller(service="signaling"), 2**70, "online", Kind.USER_NOT_FOUND),
        (Caller(service="signaling"), 9, "online", Kind.USER_NOT_FOUND),
    ],
)
async def test_presence_is_for_services(
    house: Front, caller: Caller, user_id: int, status: str, kind: Kind
) -> None:
    """Users, unknown words and unknown users are refused."""
    await house.register("alice")
    with pytest.raises(Fault) as caught:
        call = Call(caller=caller, request_id="x")
        await house.service.update_user_status(call, user_id, status)
    assert caught.value.kind is kind
