"""The coming and going of peers: a change of the roster, then what the room is told about it.

The log tells the same to all processes, this one among them; what was made here is told at once.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable

import structlog
from msgspec.structs import replace

from meeting.domains.meeting.events import LeaveReason
from meeting.domains.signaling.changes import RosterChanged
from meeting.domains.signaling.model import Place, Roll, Timings
from meeting.domains.signaling.room import Member
from meeting.domains.signaling.rooms import Rooms
from meeting.domains.signaling.roster import Roster
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault

SWEEP_SECONDS = 1.0
AT_ONCE = 100
"""Places that are ended between two looks at what is to be renewed."""

log = structlog.get_logger(__name__)


class Presence:
    """Keeps roster and rooms in step."""

    def __init__(self, roster: Roster, rooms: Rooms, clock: Clock, timings: Timings) -> None:
        self._roster = roster
        self._rooms = rooms
        self._clock = clock
        self._timings = timings
        self._renewed_at = clock.monotonic()

    async def hold(self, place: Place) -> None:
        """Keep a place for a user whom the meeting has not let in yet."""
        self._tell(await self._roster.hold(place))

    async def enter(self, place: Place, member: Member, joined: Callable[[Roll], bytes]) -> Place:
        """Seat a member: it gets `joined` of the room as it is now, the others hear of it.

        Returns the place as the others see it.
        """
        with self._rooms.expecting(place) as (room, arrival):
            roll = await self._roster.admit(place)
            shown = replace(place, version=roll.version)
            room.seat(arrival, shown, member, roll, joined(roll))
        change = RosterChanged(
            room_id=place.room_id,
            meeting_id=place.meeting_id,
            before=roll.version - 1,
            version=roll.version,
            joined=[shown],
        )
        self._tell(change)
        return shown

    async def withdraw(self, place: Place, *, unsure: bool) -> None:
        """Give up a place that was only held."""
        self._tell(await self._roster.withdraw(place, unsure=unsure))

    async def roll(self, room_id: str) -> Roll:
        """Return who is in a room."""
        return await self._roster.roll(room_id)

    async def leave(self, place: Place, reason: LeaveReason) -> None:
        """End a place for good."""
        self._rooms.remove(place)
        self._tell(await self._roster.end(place, reason))

    async def lose(self, place: Place) -> None:
        """Keep a place whose socket is lost for the grace."""
        self._rooms.remove(place)
        await self._roster.lapse(place)

    async def sweep(self) -> bool:
        """End places whose time is over, also those of processes that are no more.

        False when that were all; else there may be more of them.

        The socket may live on: this process stood still, its clock was set, or the store was away
        for too long to renew the place. It is closed, for the others have been told that it is.
        """
        places = await self._roster.over(AT_ONCE)
        by_room: defaultdict[str, list[Place]] = defaultdict(list)
        for place in places:
            by_room[place.room_id].append(place)
        for room_id, some in by_room.items():
            self._tell(await self._roster.expire(room_id, some))
        return len(places) == AT_ONCE

    async def renew(self, places: Iterable[Place]) -> None:
        """Keep the places of living sockets, when it is time to."""
        now = self._clock.monotonic()
        if now - self._renewed_at >= self._timings.renew:
            await self._roster.renew(list(places))
            self._renewed_at = now
            await self._roster.forget(AT_ONCE)

    async def run(self, places: Callable[[], Iterable[Place]]) -> None:
        """Renew and sweep until cancelled; a store that is away is waited for.

        After a crash a full house is swept without a pause, but no sweep is so long that living
        places miss their renewal.
        """
        while True:
            more = False
            try:
                await self.renew(places())
                more = await self.sweep()
            except Fault as fault:
                log.warning("presence waits for the store", kind=fault.kind)
            if not more:
                await asyncio.sleep(SWEEP_SECONDS)

    def _tell(self, change: RosterChanged | None) -> None:
        if change is not None:
            self._rooms.hear(change)
