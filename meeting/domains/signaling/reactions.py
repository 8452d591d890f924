"""What the sockets of this process hear: the changes of all rooms, and that their token has died.

Both concern what lives here alone, so each process follows the log for itself, from where it ended
at the start: a socket is always younger than that, and whatever happened before was looked at when
it was let in.
"""

from functools import partial

from meeting.domains.signaling.changes import KINDS, TOPIC as ROOMS
from meeting.domains.signaling.room import BEHIND
from meeting.domains.signaling.rooms import Rooms
from meeting.domains.signaling.seats import Seats
from meeting.domains.user.events import TOPIC as USERS, UserRevoked
from meeting.kernel.follower import Follower
from meeting.kernel.setback import Setback
from meeting.kernel.tail import Tail


class Reactions:
    """The followers of one process."""

    def __init__(self, *, tail: Tail, rooms: Rooms, seats: Seats) -> None:
        self._rooms = rooms
        self._seats = seats
        told = partial(rooms.hear, final=True)
        self.rooms = Follower(ROOMS, tail, dict.fromkeys(KINDS, told))
        self.users = Follower(USERS, tail, {UserRevoked: self._revoked})
        self.setback = Setback(tail, (self.rooms, self.users), self._lost)

    @property
    def begun(self) -> bool:
        """Tell whether there may be sockets."""
        return self.rooms.begun.is_set() and self.users.begun.is_set()

    async def begin(self) -> None:
        """Go to the end of the log; until then there must be no socket."""
        await self.rooms.begin()
        await self.users.begin()

    def _lost(self) -> None:
        """Close all sockets: rosters may be untrue, and a revocation may have been passed over."""
        self._rooms.forget()
        self._seats.cut_off(BEHIND)

    def _revoked(self, event: UserRevoked) -> None:
        self._seats.revoke(event.user_id, event.jti, f"the token was revoked: {event.reason}")
