"""Members of a room, and how they are found."""

import asyncio
from datetime import UTC, datetime

from meeting.domains.signaling.model import Close, Limits, Place
from meeting.domains.signaling.room import Rooms
from meeting.domains.signaling.router import LocalRouter
from meeting.domains.signaling.seats import Seats
from tests.clock import MovingClock

ROOM = "room_7"


class Listener:
    """A member that remembers what it was told."""

    def __init__(self) -> None:
        self.heard: list[bytes] = []
        self.ended: list[Close] = []

    def deliver(self, frame: bytes, *, urgent: bool = False) -> None:
        """Remember a frame."""
        self.heard.append(frame)

    def end(self, code: Close, reason: str, *, kept: bool = True) -> None:
        """Remember the end."""
        self.ended.append(code)


def place(user_id: int, peer_id: str, session_id: str = "s") -> Place:
    """Make a place in the room."""
    return Place(
        room_id=ROOM,
        meeting_id=7,
        peer_id=peer_id,
        user_id=user_id,
        username=f"user{user_id}",
        session_id=session_id,
        joined_at=datetime(2026, 11, 24, tzinfo=UTC),
    )


async def seated(rooms: Rooms, *places: Place) -> list[Listener]:
    """Seat a listener on each place."""
    members = [Listener() for _ in places]
    async with rooms.locked(ROOM) as room:
        for one, member in zip(places, members, strict=True):
            room.add(one, member)
    return members


async def test_frames_find_peers_users_and_rooms() -> None:
    """One peer, all peers of a user but one, everybody but one; nobody is counted as nobody."""
    rooms = Rooms()
    router = LocalRouter(rooms, Seats(MovingClock(), Limits()))
    a, b, c = await seated(rooms, place(1, "a"), place(2, "b"), place(2, "c"))
    assert await router.to_peer(ROOM, "b", None, b"peer")
    assert not await router.to_peer(ROOM, "b", 1, b"not his")
    assert not await router.to_peer(ROOM, "x", None, b"nobody")
    assert await router.to_user(ROOM, 2, b"user", but="b") == 1
    assert await router.to_user(ROOM, 3, b"nobody") == 0
    assert await router.to_user("room_8", 2, b"elsewhere") == 0
    await router.to_room(ROOM, b"room", but="a")
    assert (a.heard, b.heard, c.heard) == ([], [b"peer", b"room"], [b"user", b"room"])


async def test_an_old_session_does_not_unseat_a_newer() -> None:
    """The end of a place that was taken over leaves who took it alone."""
    rooms = Rooms()
    router = LocalRouter(rooms, Seats(MovingClock(), Limits()))
    (new,) = await seated(rooms, place(1, "a", "new"))
    await router.close(place(1, "a", "old"), Close.REPLACED, "")
    assert new.ended == []
    await router.close(place(1, "a", "new"), Close.LEFT, "")
    await router.close(place(1, "a", "new"), Close.LEFT, "")
    assert new.ended == [Close.LEFT]


async def test_a_room_exists_while_somebody_needs_it() -> None:
    """It goes with its last member, but never under who waits for its lock."""
    rooms = Rooms()
    order: list[str] = []

    async def work(name: str) -> None:
        async with rooms.locked(ROOM):
            order.append(f"{name} in")
            await asyncio.sleep(0)
            order.append(f"{name} out")

    await asyncio.gather(*(work(name) for name in "abc"))
    assert order == [f"{name} {way}" for name in "abc" for way in ("in", "out")]
    assert len(rooms) == 0
    await seated(rooms, place(1, "a"))
    assert len(rooms) == 1
    async with rooms.locked(ROOM) as room:
        room.remove(place(1, "a"))
    assert len(rooms) == 0
