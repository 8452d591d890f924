"""How a frame reaches peers; asynchronous, for peers may be elsewhere one day."""

from typing import Protocol

from meeting.domains.signaling.model import Close, Place
from meeting.domains.signaling.room import Rooms
from meeting.domains.signaling.seats import Seats


class Router(Protocol):
    """Sends encoded frames to peers, wherever they are."""

    async def to_peer(self, room_id: str, peer_id: str, user_id: int | None, frame: bytes) -> bool:
        """Send to one peer, which must be the named user's if one is named; False: not there."""
        ...

    async def to_user(self, room_id: str, user_id: int, frame: bytes, *, but: str = "") -> int:
        """Send to all peers of a user, `but` one; returns to how many."""
        ...

    async def to_room(self, room_id: str, frame: bytes, *, but: str = "") -> None:
        """Send to every peer, `but` one."""
        ...

    async def to_sockets(self, user_id: int, frame: bytes) -> None:
        """Send to all sockets of a user, in whichever room or in none."""
        ...

    async def close(self, place: Place, code: Close, reason: str) -> None:
        """Close the socket of a place that has ended."""
        ...


class LocalRouter:
    """The router of a house whose peers all speak to this process."""

    def __init__(self, rooms: Rooms, seats: Seats) -> None:
        self._rooms = rooms
        self._seats = seats

    async def to_peer(self, room_id: str, peer_id: str, user_id: int | None, frame: bytes) -> bool:
        """Send to one peer, which must be the named user's if one is named; False: not there."""
        room = self._rooms.get(room_id)
        peer = room.peer(peer_id) if room else None
        if peer is None or user_id not in (None, peer.place.user_id):
            return False
        peer.member.deliver(frame)
        return True

    async def to_user(self, room_id: str, user_id: int, frame: bytes, *, but: str = "") -> int:
        """Send to all peers of a user, `but` one; returns to how many."""
        room = self._rooms.get(room_id)
        peers = (
            [peer for peer in room.of_user(user_id) if peer.place.peer_id != but] if room else []
        )
        for peer in peers:
            peer.member.deliver(frame)
        return len(peers)

    async def to_room(self, room_id: str, frame: bytes, *, but: str = "") -> None:
        """Send to every peer, `but` one."""
        for peer in self._rooms.get(room_id) or ():
            if peer.place.peer_id != but:
                peer.member.deliver(frame)

    async def to_sockets(self, user_id: int, frame: bytes) -> None:
        """Send to all sockets of a user, in whichever room or in none."""
        self._seats.deliver(user_id, frame)

    async def close(self, place: Place, code: Close, reason: str) -> None:
        """Close the socket of a place that has ended."""
        room = self._rooms.get(place.room_id)
        member = room.remove(place) if room else None
        if member is not None:
            member.end(code, reason, kept=False)
