"""What signalling does when tokens die: their sockets are closed.

Effects are on the sockets of this process, so each process reads the log for itself, from where it
ended at the start: a socket is always younger than that, and whatever happened before was looked
at when it was let in. A process that dies between an effect and its commit has no sockets left, so
only a store that fails has one told twice.
"""

import asyncio

from meeting.domains.signaling.ports import SignalingUnit
from meeting.domains.signaling.seats import Seats
from meeting.domains.user.events import TOPIC as USERS, UserRevoked
from meeting.kernel.consumer import Consumer
from meeting.kernel.message import Entry
from meeting.kernel.ports import Feed, Units


class Reactions:
    """The consumer of one process; `name` is its own and stays the same over restarts."""

    def __init__(self, *, name: str, feed: Feed, units: Units[SignalingUnit], seats: Seats) -> None:
        self.begun = asyncio.Event()
        self._name = name
        self._units = units
        self._seats = seats
        self.users = Consumer(
            name,
            USERS,
            feed=feed,
            units=units,
            effects={UserRevoked: self._revoked},
            together=1,
        )

    async def begin(self) -> None:
        """Go to the end of the log; until then there must be no socket."""
        async with self._units.write() as unit:
            await unit.jump(self._name, USERS)
        self.begun.set()

    async def run(self) -> None:
        """Read on from there."""
        await self.begun.wait()
        await self.users.run()

    async def _revoked(self, event: UserRevoked, _entry: Entry) -> None:
        self._seats.revoke(event.user_id, event.jti, f"the token was revoked: {event.reason}")
