"""One room of this process: its members by peer and by user, and the order of what they are told.

The lock makes a change of the roster and the frames about it one step, so that nobody is told of
version 7 before version 6. It belongs to one room; rooms never wait for each other.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import NamedTuple, Protocol

from meeting.domains.signaling.model import Close, Place


class Member(Protocol):
    """A peer as its room knows it. Neither method ever waits."""

    def deliver(self, frame: bytes, *, urgent: bool = False) -> None:
        """Queue an encoded frame; a member whose queue is full is closed instead."""
        ...

    def end(self, code: Close, reason: str, *, kept: bool = True) -> None:
        """Close the member's socket; `kept` False when its place has ended already."""
        ...


class Seated(NamedTuple):
    """A member and the place it has."""

    place: Place
    member: Member


class Room:
    """The members of one room that speak to this process."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.pending = 0
        """How many hold or wait for the lock."""
        self._seated: dict[str, Seated] = {}
        self._by_user: dict[int, dict[str, Seated]] = {}

    def add(self, place: Place, member: Member) -> None:
        """Seat a member."""
        seated = Seated(place, member)
        self._seated[place.peer_id] = seated
        self._by_user.setdefault(place.user_id, {})[place.peer_id] = seated

    def remove(self, place: Place) -> Member | None:
        """Unseat the member of this very session, if it is here."""
        seated = self._seated.get(place.peer_id)
        if seated is None or seated.place.session_id != place.session_id:
            return None
        del self._seated[place.peer_id]
        peers = self._by_user[place.user_id]
        del peers[place.peer_id]
        if not peers:
            del self._by_user[place.user_id]
        return seated.member

    def peer(self, peer_id: str) -> Seated | None:
        """Return one peer."""
        return self._seated.get(peer_id)

    def of_user(self, user_id: int) -> list[Seated]:
        """Return the peers of one user."""
        return list(self._by_user.get(user_id, {}).values())

    def __iter__(self) -> Iterator[Seated]:
        return iter(list(self._seated.values()))

    def __len__(self) -> int:
        return len(self._seated)


class Rooms:
    """The rooms of this process; one exists while it has members or somebody works on it."""

    def __init__(self) -> None:
        self._rooms: dict[str, Room] = {}

    def get(self, room_id: str) -> Room | None:
        """Return a room that exists."""
        return self._rooms.get(room_id)

    @asynccontextmanager
    async def locked(self, room_id: str) -> AsyncIterator[Room]:
        """Work on a room alone; makes it where it is missing and drops it where it is empty."""
        room = self._rooms.setdefault(room_id, Room())
        room.pending += 1
        try:
            async with room.lock:
                yield room
        finally:
            room.pending -= 1
            if not room.pending and not len(room):
                self._rooms.pop(room_id, None)

    def __len__(self) -> int:
        return len(self._rooms)
