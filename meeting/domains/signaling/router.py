"""How a frame reaches peers, whichever process they speak to."""

from abc import ABC, abstractmethod

from meeting.domains.signaling.letter import Letter, Sender
from meeting.domains.signaling.rooms import Rooms
from meeting.domains.signaling.seats import Seats


class Router(ABC):
    """Sends encoded frames to peers, wherever they are.

    A frame with a `sender` comes to each after what the roster has to tell of that peer, and not at
    all once it has left; one without is of a service. `unavailable` where some of the peers are out
    of reach just now; others may have got it.
    """

    async def to_peer(
        self,
        room_id: str,
        peer_id: str,
        user_id: int | None,
        frame: bytes,
        *,
        sender: Sender | None = None,
    ) -> bool:
        """Send to one peer, which must be the named user's if one is named; False: not there."""
        letter = Letter(room_id, user_id or 0, peer_id, sender=sender)
        return await self._to_peer(letter, frame) > 0

    async def to_user(
        self,
        room_id: str,
        user_id: int,
        frame: bytes,
        *,
        but: str = "",
        sender: Sender | None = None,
    ) -> int:
        """Send to all peers of a user, `but` one; 0 where there is none."""
        return await self._to_user(Letter(room_id, user_id, but=but, sender=sender), frame)

    async def to_room(
        self, room_id: str, frame: bytes, *, but: str = "", sender: Sender | None = None
    ) -> None:
        """Send to every peer, `but` one."""
        await self._to_room(Letter(room_id, but=but, sender=sender), frame)

    async def to_sockets(self, user_id: int, frame: bytes) -> None:
        """Send to all sockets of a user, in whichever room or in none."""
        await self._to_sockets(Letter(user_id=user_id), frame)

    @abstractmethod
    async def _to_peer(self, letter: Letter, frame: bytes) -> int: ...

    @abstractmethod
    async def _to_user(self, letter: Letter, frame: bytes) -> int: ...

    @abstractmethod
    async def _to_room(self, letter: Letter, frame: bytes) -> object: ...

    @abstractmethod
    async def _to_sockets(self, letter: Letter, frame: bytes) -> object: ...


class LocalRouter(Router):
    """The router of a house whose peers all speak to this process."""

    def __init__(self, rooms: Rooms, seats: Seats) -> None:
        self._rooms = rooms
        self._seats = seats

    def deliver(self, letter: Letter, frame: bytes) -> int:
        """Give a frame to whoever of its addressees is here; in a room, to how many."""
        if not letter.room_id:
            self._seats.deliver(letter.user_id, frame)
            return 0
        room = self._rooms.get(letter.room_id)
        return room.forward(letter, frame) if room else 0

    async def _deliver(self, letter: Letter, frame: bytes) -> int:
        return self.deliver(letter, frame)

    _to_peer = _to_user = _to_room = _to_sockets = _deliver
