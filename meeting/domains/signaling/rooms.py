"""The rooms of this process; one exists while it has members or somebody is on the way in."""

from collections.abc import Iterator
from contextlib import contextmanager

from meeting.domains.signaling.changes import Change
from meeting.domains.signaling.model import Place
from meeting.domains.signaling.room import Arrival, Room


class Rooms:
    """All rooms that have members here."""

    def __init__(self) -> None:
        self._rooms: dict[str, Room] = {}

    def get(self, room_id: str) -> Room | None:
        """Return a room that exists."""
        return self._rooms.get(room_id)

    @contextmanager
    def expecting(self, place: Place) -> Iterator[tuple[Room, Arrival]]:
        """Keep what a room hears while a peer is shown to others that is not seated here yet."""
        room = self._rooms.setdefault(place.room_id, Room())
        arrival = Arrival(place)
        room.arrivals.add(arrival)
        try:
            yield room, arrival
        finally:
            room.arrivals.discard(arrival)
            self._drop(place.room_id, room)

    def remove(self, place: Place) -> None:
        """Unseat the member of this very session, if it is here."""
        if (room := self._rooms.get(place.room_id)) is not None:
            room.remove(place)
            self._drop(place.room_id, room)

    def hear(self, change: Change, *, final: bool = False) -> None:
        """Tell a room's members of a change; `final` when it comes from the log."""
        if (room := self._rooms.get(change.room_id)) is not None:
            room.hear(change, final=final)
            self._drop(change.room_id, room)

    def cut_off(self, node: str) -> int:
        """Close the members of all rooms that have peers elsewhere than at `node`, which is here.

        A room that is not known yet may have such peers. Returns how many rooms that were.

        A frame that is lost can't be told again by whoever lost it, and who waits for an offer
        waits for ever; whoever joins anew is offered to anew.
        """
        closed = 0
        for room_id, room in list(self._rooms.items()):
            if not room.replica.version or any(place.node != node for place in room.replica):
                closed += 1
                room.cut_off()
                self._drop(room_id, room)
        return closed

    def forget(self) -> None:
        """Close the members of all rooms, of which nothing that is known may be true."""
        rooms, self._rooms = self._rooms, {}
        for room in rooms.values():
            room.cut_off()

    def _drop(self, room_id: str, room: Room) -> None:
        if not room.arrivals and not len(room) and self._rooms.get(room_id) is room:
            del self._rooms[room_id]

    def __len__(self) -> int:
        return len(self._rooms)
