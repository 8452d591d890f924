"""What `SignalingApi` promises, wherever the rooms are."""

import json
from typing import Any, Protocol

from meeting.domains.signaling.api import TARGETS, Broadcast, Joined, Left, SignalingApi
from meeting.kernel.call import Call
from meeting.kernel.errors import Kind
from meeting.kernel.ids import MAX_ID
from tests.contract.api.faults import refused

HOST, GUEST, STRANGER = 1, 2, 3


class Socket(Protocol):
    """A client's socket."""

    async def until(self, type_: str) -> dict[str, Any]:
        """Return the next frame of a type; others before it are dropped."""

    async def nothing(self) -> None:
        """Expect no frame."""


class World(Protocol):
    """Rooms without anybody in them, and clients for them."""

    @property
    def signaling(self) -> SignalingApi:
        """Return the adapter under test."""

    def by(self, user_id: int) -> Call:
        """Make the call of a user."""

    def service(self, user_id: int = 0) -> Call:
        """Make the call of a service, on behalf of a user or of nobody."""

    async def started(self, *, private: bool = False) -> int:
        """Have a meeting of the host's go on; return the id."""

    async def seated(self, meeting_id: int, user_id: int, peer_id: str) -> Socket:
        """Connect a user and let them join; what the joiner got is read."""

    async def open(self, user_id: int) -> Socket:
        """Connect a user who joins nothing."""

    async def closures(self) -> list[dict[str, Any]]:
        """Return what was announced about connections that closed."""


async def _room(world: World, meeting_id: int) -> tuple[Socket, Socket]:
    """Seat two who have heard of each other."""
    host = await world.seated(meeting_id, HOST, "h")
    guest = await world.seated(meeting_id, GUEST, "g")
    await host.until("roster")
    return host, guest


async def told(world: World) -> None:
    """All in a room get a frame once, with where and who it is from, and nobody else does."""
    meeting_id = await world.started()
    host, guest = await _room(world, meeting_id)
    outside = await world.open(GUEST)
    content = {"text": "hi", "n": [1]}
    await world.signaling.broadcast_message(
        world.service(),
        Broadcast(
            room_id=str(meeting_id),
            from_user_id=GUEST,
            message_type="chat",
            content=json.dumps(content),
        ),
    )
    for peer in (host, guest):
        frame = await peer.until("chat")
        assert frame["content"] == content
        assert frame.items() >= {"room_id": f"room_{meeting_id}", "from_user_id": GUEST}.items()
    for peer in (host, guest, outside):
        await peer.nothing()


async def told_to_some(world: World) -> None:
    """Targets in a room get it there alone; without a room they get it at all their sockets."""
    meeting_id = await world.started()
    host, guest = await _room(world, meeting_id)
    outside = await world.open(GUEST)
    message = Broadcast(message_type="note", content="text", target_user_ids=[GUEST, 99, GUEST])
    await world.signaling.broadcast_message(world.service(), message)
    for peer in (guest, outside):
        assert (await peer.until("note"))["content"] == "text"
    inside = Broadcast(
        room_id=f"room_{meeting_id}", message_type="b", content="{", target_user_ids=[GUEST]
    )
    await world.signaling.broadcast_message(world.service(), inside)
    assert (await guest.until("b"))["content"] == "{"
    for peer in (host, guest, outside):
        await peer.nothing()


async def not_told(world: World) -> None:
    """What may not be sent is refused by its field; so is a user, and a room without a meeting."""
    meeting_id = await world.started()
    room = f"room_{meeting_id}"
    send = world.signaling.broadcast_message

    def message(**fields: Any) -> Broadcast:
        return Broadcast(**({"room_id": room, "message_type": "x", "content": ""} | fields))

    ours = ("user_left", "joined", "error", "offer", "roster", "pong", "alert", "meeting_ended")
    for type_ in ("", "X", "a-b", "a" * 33, "a\n", *ours):
        await refused(
            send(world.service(), message(message_type=type_)), Kind.VALIDATION, "message_type"
        )
    for field, value in {
        "room_id": "nowhere",
        "target_user_ids": [1] * (TARGETS + 1),
        "from_user_id": MAX_ID + 2,
    }.items():
        await refused(send(world.service(), message(**{field: value})), Kind.VALIDATION, field)
    await refused(send(world.service(), message(room_id="")), Kind.VALIDATION, "target_user_ids")
    await refused(send(world.service(), message(content="x" * 70_000)), Kind.TOO_LARGE)
    await refused(send(world.service(), message(room_id="room_999")), Kind.MEETING_NOT_FOUND)
    await refused(send(world.by(HOST), message()), Kind.FORBIDDEN)


async def came_and_went(world: World) -> None:
    """The others hear of it; nobody has a place by it and nothing is announced."""
    meeting_id = await world.started()
    host, guest = await _room(world, meeting_id)
    room = f"room_{meeting_id}"
    await world.signaling.notify_user_joined(
        world.service(), Joined(room_id=room, user_id=7, username="seven", peer_id="h")
    )
    await world.signaling.notify_user_left(world.service(), Left(room_id=room, user_id=7))
    frame = await guest.until("user_joined")
    assert frame.items() >= {"user_id": 7, "username": "seven", "peer_id": "h"}.items()
    assert (frame["room_id"], frame["meeting_id"]) == (room, meeting_id)
    for peer in (host, guest):  # the first is the peer that came, and is not told of itself
        frame = await peer.until("user_left")
        assert (frame["user_id"], frame["reason"]) == (7, "user_left")
        assert "peer_id" not in frame
        await peer.nothing()
    assert len(await world.signaling.get_room_users(world.service(), room)) == 2
    assert not await world.closures()


async def not_noted(world: World) -> None:
    """A service alone says so, of somebody who can be one, in the room of a meeting."""
    meeting_id = await world.started()
    room = f"room_{meeting_id}"
    for notify, kind in (
        (world.signaling.notify_user_joined, Joined),
        (world.signaling.notify_user_left, Left),
    ):
        tell: Any = notify
        await refused(tell(world.by(HOST), kind(room_id=room, user_id=7)), Kind.FORBIDDEN)
        gone = kind(room_id="room_999", user_id=7)
        await refused(tell(world.service(), gone), Kind.MEETING_NOT_FOUND)
        for field, value in {"user_id": 0, "room_id": "x", "peer_id": "a b"}.items():
            about: dict[str, Any] = {"room_id": room, "user_id": 7, field: value}
            await refused(tell(world.service(), kind(**about)), Kind.VALIDATION, field)


async def listed(world: World) -> None:
    """A row a peer, in the order of their coming; of a room that nobody is in none."""
    meeting_id = await world.started()
    ask = world.signaling.get_room_users
    assert await ask(world.service(), f"room_{meeting_id}") == []
    await _room(world, meeting_id)
    await world.seated(meeting_id, GUEST, "g2")
    for call in (world.service(), world.by(GUEST)):
        found = await ask(call, f"room_{meeting_id}")
        assert {(each.user_id, each.peer_id) for each in found} == {
            (HOST, "h"),
            (GUEST, "g"),
            (GUEST, "g2"),
        }
        assert {each.status for each in found} == {"online"}
        assert {each.username for each in found} == {"user1", "user2"}
        assert [each.joined_at for each in found] == sorted(each.joined_at for each in found)


async def not_listed(world: World) -> None:
    """A stranger is refused, and of a private meeting is told that there is none."""
    shown, hidden = await world.started(), await world.started(private=True)
    ask = world.signaling.get_room_users
    await refused(ask(world.by(STRANGER), f"room_{shown}"), Kind.FORBIDDEN)
    await refused(ask(world.by(STRANGER), f"room_{hidden}"), Kind.MEETING_NOT_FOUND)
    await refused(ask(world.service(), "room_999"), Kind.MEETING_NOT_FOUND)
    await refused(ask(world.service(), "x"), Kind.VALIDATION, "room_id")


PROMISES = (
    told,
    told_to_some,
    not_told,
    came_and_went,
    not_noted,
    listed,
    not_listed,
)
