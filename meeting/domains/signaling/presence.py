"""The coming and going of peers: a change of the roster, then what the room is told about it."""

import asyncio
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta

import structlog

from meeting.domains.meeting.events import LeaveReason
from meeting.domains.signaling import frames
from meeting.domains.signaling.model import Close, Place, Roll, Timings
from meeting.domains.signaling.room import Member, Rooms
from meeting.domains.signaling.roster import Gone, Roster
from meeting.domains.signaling.router import Router
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.ids import room_of

SWEEP_SECONDS = 1.0
AT_ONCE = 100
"""Places that are ended between two looks at what is to be renewed."""
REMEMBERED = timedelta(seconds=60)
"""For how long meeting's own words about a user who left us are known to be echoes."""
LEASE_OVER = "your place was not renewed in time; connect and join again"

log = structlog.get_logger(__name__)


class Presence:
    """Keeps roster and rooms in step."""

    def __init__(
        self, roster: Roster, router: Router, rooms: Rooms, clock: Clock, timings: Timings
    ) -> None:
        self._roster = roster
        self._router = router
        self._rooms = rooms
        self._clock = clock
        self._timings = timings
        self._departed: dict[tuple[str, int], datetime] = {}
        self._left: dict[tuple[str, int], datetime] = {}
        """When a user's seat came free while a peer of theirs was on its way in."""
        self._renewed_at = clock.monotonic()

    async def hold(self, place: Place) -> None:
        """Keep a place for a user whom the meeting has not let in yet."""
        async with self._rooms.locked(place.room_id):
            gone = await self._roster.hold(place)
            if gone is not None:
                if gone.reason == "replaced":
                    await self._router.close(gone.place, Close.REPLACED, "a newer socket came")
                else:
                    await self._router.close(gone.place, Close.LEASE_OVER, LEASE_OVER)
                await self._tell(gone)

    async def enter(self, place: Place, member: Member, joined: Callable[[Roll], bytes]) -> None:
        """Seat a member: it gets `joined` of the room as it is now, the others hear of it."""
        async with self._rooms.locked(place.room_id) as room:
            # Kept for others of this user's that are on their way in; `sweep` forgets it.
            left_at = self._left.get((place.room_id, place.user_id))
            if left_at is not None and place.joined_at <= left_at:
                raise Fault(Kind.CONFLICT, "you left while you joined; join again")
            roll = await self._roster.admit(place)
            self._departed.pop((place.room_id, place.user_id), None)
            room.add(place, member)
            member.deliver(joined(roll))
            told = frames.encode(
                "user_joined",
                room_id=place.room_id,
                meeting_id=place.meeting_id,
                user_id=place.user_id,
                username=place.username,
                peer_id=place.peer_id,
            )
            await self._router.to_room(place.room_id, told, but=place.peer_id)
            changed = frames.encode("roster", version=roll.version, joined=[place.peer_id], left=[])
            await self._router.to_room(place.room_id, changed, but=place.peer_id)

    async def withdraw(self, place: Place, *, unsure: bool) -> None:
        """Give up a place that was only held."""
        await self._roster.withdraw(place, unsure=unsure)

    async def roll(self, room_id: str) -> Roll:
        """Return who is in a room."""
        return await self._roster.roll(room_id)

    async def leave(self, place: Place, reason: LeaveReason) -> None:
        """End a place for good."""
        async with self._rooms.locked(place.room_id) as room:
            room.remove(place)
            gone = await self._roster.end(place, reason)
            if gone is not None:
                await self._tell(gone)

    async def lose(self, place: Place) -> None:
        """Keep a place whose socket is lost for the grace."""
        async with self._rooms.locked(place.room_id) as room:
            room.remove(place)
            await self._roster.lapse(place)

    async def close_room(self, meeting_id: int) -> None:
        """Tell a room that its meeting has ended, and close it."""
        room_id = room_of(meeting_id)
        async with self._rooms.locked(room_id):
            places = await self._roster.clear(room_id, "meeting_ended")
            ended = frames.encode("meeting_ended", meeting_id=meeting_id, room_id=room_id)
            await self._router.to_room(room_id, ended)
            for place in places:
                await self._router.close(place, Close.MEETING_ENDED, "the meeting has ended")

    async def announce(
        self, meeting_id: int, user_id: int, username: str, joined_at: datetime
    ) -> None:
        """Tell a room of somebody who took a seat without a socket, and has not left since."""
        room_id = room_of(meeting_id)
        departed = self._departed.get((room_id, user_id))
        if departed is not None and departed >= joined_at:
            return
        if self._rooms.get(room_id) is None or await self._roster.held(room_id, user_id):
            return
        told = frames.encode(
            "user_joined",
            room_id=room_id,
            meeting_id=meeting_id,
            user_id=user_id,
            username=username,
        )
        await self._router.to_room(room_id, told)

    async def dismiss(
        self, meeting_id: int, user_id: int, reason: LeaveReason, left_at: datetime
    ) -> None:
        """End the peers of a user whose seat is free again.

        Peers that came after that moment belong to a later seat and stay, unless the user was
        kicked. Whether one that is on its way in did is known when it is in. A departure that we
        reported ourselves was told to the room before.
        """
        room_id = room_of(meeting_id)
        async with self._rooms.locked(room_id):
            echo = self._departed.pop((room_id, user_id), None) is not None
            kicked = reason == "kicked"
            code = Close.KICKED if kicked else Close.LEFT
            places = await self._roster.held(room_id, user_id)
            for place in places:
                if not kicked and not place.admitted:
                    self._left[room_id, user_id] = left_at
                    continue
                if not kicked and place.joined_at > left_at:
                    continue
                gone = await self._roster.end(place, reason)
                if gone is not None:
                    await self._router.close(place, code, reason)
                    await self._tell(gone, reported=False)
            if not echo and not any(place.admitted for place in places):
                told = frames.encode(
                    "user_left",
                    room_id=room_id,
                    meeting_id=meeting_id,
                    user_id=user_id,
                    reason=reason,
                )
                await self._router.to_room(room_id, told)

    async def sweep(self) -> bool:
        """End places whose time is over, also those of processes that are no more.

        False when that were all; else there may be more of them.

        The socket may live on: this process stood still, its clock was set, or the store was away
        for too long to renew the place. It is closed, for the others have been told that it is.
        """
        places = await self._roster.over(AT_ONCE)
        for place in places:
            async with self._rooms.locked(place.room_id):
                gone = await self._roster.expire(place)
                if gone is not None:
                    await self._router.close(gone.place, Close.LEASE_OVER, LEASE_OVER)
                    await self._tell(gone)
        horizon = self._clock.now() - REMEMBERED
        for remembered in (self._departed, self._left):
            for key in [key for key, at in remembered.items() if at <= horizon]:
                del remembered[key]
        return len(places) == AT_ONCE

    async def renew(self, places: Iterable[Place]) -> None:
        """Keep the places of living sockets, when it is time to."""
        now = self._clock.monotonic()
        if now - self._renewed_at >= self._timings.renew:
            await self._roster.renew(list(places))
            self._renewed_at = now

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

    async def _tell(self, gone: Gone, *, reported: bool = True) -> None:
        """Tell the room of an end, if the room ever knew of the peer."""
        place = gone.place
        if reported:
            self._departed[place.room_id, place.user_id] = self._clock.now()
        if not place.admitted:
            return
        told = frames.encode(
            "user_left",
            room_id=place.room_id,
            meeting_id=place.meeting_id,
            user_id=place.user_id,
            username=place.username,
            peer_id=place.peer_id,
            reason=gone.reason,
        )
        await self._router.to_room(place.room_id, told, but=place.peer_id)
        changed = frames.encode("roster", version=gone.version, joined=[], left=[place.peer_id])
        await self._router.to_room(place.room_id, changed, but=place.peer_id)
