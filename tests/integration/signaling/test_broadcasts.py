"""What services send to users reaches all their sockets, and nobody else's."""

import json
from pathlib import Path

import pytest

from meeting.domains.signaling.api import Broadcast
from meeting.domains.signaling.model import Limits
from meeting.kernel.call import Call, Caller
from meeting.kernel.errors import Fault, Kind
from tests.integration.signaling.world import Server, World, world

SERVICE = Call(caller=Caller(service="notification"), request_id="r")
CONTENT = {"id": 7, "type": "note", "title": "题", "content": "", "data": {"a": [1]}}


def told(*users: int, content: str = "") -> Broadcast:
    """Make a broadcast for users."""
    return Broadcast(
        message_type="notification",
        content=content or json.dumps(CONTENT),
        target_user_ids=list(users),
    )


async def test_all_sockets_of_a_user_get_it(house: World) -> None:
    """In a room or in none, each gets it once; another user in the same room gets nothing."""
    meeting = await house.started(1)
    inside = await house.seated(meeting.id, 2)
    outside = await house.open(2)
    other = await house.seated(meeting.id, 3)
    await inside.until("roster")
    await house.signaling.broadcasts.broadcast_message(SERVICE, told(2, 9, 2))
    for peer in (inside, outside):
        frame = await peer.next()
        del frame["seq"]
        assert frame == {"type": "notification", "content": CONTENT}
    for peer in (inside, outside, other):
        await peer.nothing()


@pytest.mark.parametrize("content", ["hello", '"hello"', "[1]", "{", "{}{}"])
async def test_what_is_no_object_travels_as_a_text(house: World, content: str) -> None:
    """Content that is not one JSON object reaches the client as it was given."""
    peer = await house.open(2)
    await house.signaling.broadcasts.broadcast_message(SERVICE, told(2, content=content))
    assert (await peer.next())["content"] == content


async def test_only_services_may(house: World) -> None:
    """A user's call is refused, and so is one without targets."""
    with pytest.raises(Fault) as caught:
        await house.signaling.broadcasts.broadcast_message(house.call(1), told(2))
    assert caught.value.kind is Kind.FORBIDDEN
    with pytest.raises(Fault) as caught:
        await house.signaling.broadcasts.broadcast_message(SERVICE, told())
    assert set(caught.value.details) == {"target_user_ids"}


async def test_a_full_queue_closes_its_own_socket(tmp_path: Path, server: Server) -> None:
    """Who does not read is closed by their own bound; the sender and the others notice nothing."""
    async with world(tmp_path, server, Limits(queue_frames=4)) as house:
        slow, other = await house.open(2), await house.open(3)
        for _ in range(6):  # the writers have no turn meanwhile
            await house.signaling.broadcasts.broadcast_message(SERVICE, told(2))
        await house.signaling.broadcasts.broadcast_message(SERVICE, told(3))
        assert await slow.closed() == 4004
        assert (await other.next())["type"] == "notification"
