"""The roster of one room as this process knows it from the log, to find peers without a query."""

from collections.abc import Iterator

from meeting.domains.signaling.changes import RosterChanged
from meeting.domains.signaling.letter import Sender
from meeting.domains.signaling.model import Place, Roll


class Replica:
    """Places by peer and by user at one version; 0: nothing is known yet."""

    def __init__(self) -> None:
        self.version = 0
        self._places: dict[str, Place] = {}
        self._by_user: dict[int, dict[str, Place]] = {}

    def begin(self, roll: Roll) -> None:
        """Take a roster as the store shows it."""
        self.version = roll.version
        for place in roll.places:
            self._add(place)

    def follow(self, change: RosterChanged) -> None:
        """Take a change in, if it is the next; whatever else comes is known or comes again."""
        if not self.version or change.before != self.version:
            return
        self.version = change.version
        if change.ended:
            self._places.clear()
            self._by_user.clear()
        for gone in change.left:
            self._remove(gone.place)
        for place in change.joined:
            self._add(place)

    def peer(self, peer_id: str) -> Place | None:
        """Return one peer's place."""
        return self._places.get(peer_id)

    def of_user(self, user_id: int) -> list[Place]:
        """Return the places of one user."""
        return list(self._by_user.get(user_id, {}).values())

    def gone(self, sender: Sender) -> bool:
        """Tell whether a sender has left for good."""
        if self.version < sender.version:
            return False
        place = self._places.get(sender.peer_id)
        return place is None or place.session_id != sender.session_id

    def __iter__(self) -> Iterator[Place]:
        return iter(self._places.values())

    def _add(self, place: Place) -> None:
        self._places[place.peer_id] = place
        self._by_user.setdefault(place.user_id, {})[place.peer_id] = place

    def _remove(self, place: Place) -> None:
        known = self._places.get(place.peer_id)
        if known is None or known.session_id != place.session_id:
            return
        del self._places[place.peer_id]
        peers = self._by_user[known.user_id]
        del peers[place.peer_id]
        if not peers:
            del self._by_user[known.user_id]
