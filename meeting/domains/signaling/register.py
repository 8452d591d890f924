"""The places of one room within a unit of work: who comes and goes, and what that announces.

Opening it locks the room until the commit, so changes of one room come one after the other, in the
log, too; rooms never wait for each other. Whatever ends a place removes its lease and announces the
end in the same commit; a place that somebody else ended already is left alone, so an end takes
effect once, however many ask for it.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

from msgspec.structs import replace

from meeting.domains.meeting.events import LeaveReason
from meeting.domains.signaling.changes import Departed, RosterChanged, SeatFreed
from meeting.domains.signaling.events import ConnectionClosed
from meeting.domains.signaling.model import (
    Close,
    Place,
    Roll,
    Timings,
    owner,
    parted,
    place_of,
    prefix,
)
from meeting.domains.signaling.ports import SignalingUnit
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.ids import meeting_of
from meeting.kernel.lease import Lease

REMEMBERED = timedelta(seconds=60)
"""For how long meeting's own words about a user who left us are known to be echoes."""


class Register:
    """One room, from `open` to the `write` that announces what has changed."""

    def __init__(
        self, unit: SignalingUnit, room_id: str, version: int, clock: Clock, timings: Timings
    ) -> None:
        self._unit = unit
        self._room_id = room_id
        self._version = version
        self._clock = clock
        self._timings = timings
        self._joined: list[Place] = []
        self._left: list[Departed] = []

    async def hold(self, place: Place) -> None:
        """Keep a place that a lease stands in the way of, which ends if it is the user's own."""
        current = await self._unit.leases.get(place.key, lock=True)
        if current is not None:
            old = place_of(current)
            lives, heir = current.lives(self._clock.now()), old.user_id == place.user_id
            if lives and not heir:
                raise Fault(Kind.CONFLICT, "another user has this peer_id; choose one of your own")
            place = replace(place, owed=heir)
            reason: LeaveReason = "replaced" if lives else "connection_lost"
            close = Close.REPLACED if lives else Close.LEASE_OVER
            await self._depart(old, reason, close, heir=heir)
        held = self._timings.held
        if await self._unit.leases.take(place.key, place.owner, held, place.value) is None:
            raise taken()

    async def admit(self, place: Place) -> Roll:
        """Show a held place; `conflict` where it was ended, or its seat came free, meanwhile."""
        held = await self._held(place)
        if held is None:
            raise Fault(Kind.CONFLICT, "the place was taken away while you joined; join again")
        freed_at = place_of(held).freed_at
        if freed_at is not None and place.joined_at <= freed_at:
            raise Fault(Kind.CONFLICT, "you left while you joined; join again")
        shown = replace(place, version=self._version + 1)
        await self._unit.leases.rewrite(held, shown.value)
        await self._unit.leases.clear(parted(place.room_id, place.user_id))
        self._joined.append(shown)
        await self.write()
        return await roll(self._unit, self._room_id, self._version, self._timings)

    async def withdraw(self, place: Place, *, unsure: bool) -> None:
        """Give a held place up; `unsure` when the meeting may have let the user in."""
        held = await self._held(place)
        if held is None:
            return
        await self._unit.leases.release(held)
        found = place_of(held)
        if unsure or found.owed or found.admitted:
            await self._depart(found, "connection_lost", Close.LEFT)

    async def end(self, place: Place, reason: LeaveReason, close: Close = Close.LEFT) -> None:
        """End a place, unless it has ended before."""
        held = await self._held(place)
        if held is not None:
            await self._unit.leases.release(held)
            await self._depart(place_of(held), reason, close)

    async def expire(self, places: Iterable[Place]) -> None:
        """End those places whose time is over; those that were renewed meanwhile stay.

        Locked by key, as those are that a process renews: nobody waits crosswise.
        """
        for place in sorted(places, key=lambda place: place.key):
            held = await self._held(place)
            if held is not None and not held.lives(self._clock.now()):
                await self._unit.leases.release(held)
                await self._depart(place_of(held), "connection_lost", Close.LEASE_OVER)

    async def dismiss(self, user_id: int, reason: LeaveReason, left_at: datetime) -> None:
        """End the peers of a user whose seat is free again.

        Peers that came after that moment belong to a later seat and stay, unless the user was
        kicked. Whether one that is on its way in did is known when it is in. A departure that we
        reported ourselves was told to the room before.
        """
        mark = await self._unit.leases.get(parted(self._room_id, user_id), lock=True)
        echo = mark is not None and mark.lives(self._clock.now())
        if mark is not None:
            await self._unit.leases.release(mark)
        kicked = reason == "kicked"
        close = Close.KICKED if kicked else Close.LEFT
        places = await self._of_user(user_id)
        for lease, place in places:
            if not kicked and not place.admitted:
                await self._unit.leases.rewrite(lease, replace(place, freed_at=left_at).value)
            elif kicked or place.joined_at <= left_at:
                held = await self._held(place)
                if held is not None:
                    await self._unit.leases.release(held)
                    await self._depart(place_of(held), reason, close, reported=False)
        if not echo and not any(place.admitted for _, place in places):
            freed = SeatFreed(
                room_id=self._room_id,
                meeting_id=meeting_of(self._room_id) or 0,
                version=self._version,
                user_id=user_id,
                reason=reason,
            )
            self._unit.append(freed)

    async def clear(self, reason: LeaveReason) -> Sequence[Place]:
        """End all places, since the meeting has ended, and announce each end; return them.

        In a few statements, however many there are: nobody else may write meanwhile.
        """
        places = [place_of(each) for each in await self._unit.leases.clear(prefix(self._room_id))]
        left = Counter(place.user_id for place in places)
        for place in places:
            left[place.user_id] -= 1
            self._unit.append(_closed(place, reason, last=not left[place.user_id]))
        if shown := sum(place.admitted for place in places):
            await self._raise(shown, ended=True)
        return places

    async def write(self) -> RosterChanged | None:
        """Announce what has changed in sight of others as one version; None where nothing has."""
        if not self._joined and not self._left:
            return None
        change = await self._raise(1)
        self._joined, self._left = [], []
        return change

    async def _raise(self, by: int, *, ended: bool = False) -> RosterChanged:
        before, self._version = self._version, await self._unit.bump(self._room_id, by)
        change = RosterChanged(
            room_id=self._room_id,
            meeting_id=meeting_of(self._room_id) or 0,
            before=before,
            version=self._version,
            joined=self._joined,
            left=self._left,
            ended=ended,
        )
        self._unit.append(change)
        return change

    async def _held(self, place: Place) -> Lease | None:
        """Return the lease of this very session; one of a later peer is not ours to end."""
        lease = await self._unit.leases.get(place.key, lock=True)
        if lease is None or place_of(lease).session_id != place.session_id:
            return None
        return lease

    async def _of_user(self, user_id: int) -> list[tuple[Lease, Place]]:
        found = await self._unit.leases.list(prefix(self._room_id), owner=owner(user_id))
        return [(lease, place_of(lease)) for lease in found]

    async def _depart(
        self,
        place: Place,
        reason: LeaveReason,
        close: Close,
        *,
        heir: bool = False,
        reported: bool = True,
    ) -> None:
        """Announce that a place has ended; `heir` when the same user takes it over at once.

        `last` counts peers that are only held, too; the first of them then owes the announcement,
        in case it is never admitted. Until then nobody renews it: its row is locked out of order,
        and that waits for nobody. What is `reported` to the meeting so comes back as its echo.
        """
        held = await self._of_user(place.user_id)
        others = [each for each in held if each[1].peer_id != place.peer_id]
        if others and not heir and not any(other.admitted for _, other in others):
            lease, other = others[0]
            await self._unit.leases.rewrite(lease, replace(other, owed=True).value)
        last = not others and not heir
        self._unit.append(_closed(place, reason, last=last))
        if last and reported:
            key, now = parted(self._room_id, place.user_id), self._clock.now()
            value = {"at": now.isoformat()}
            await self._unit.leases.take(key, owner(place.user_id), REMEMBERED, value)
        if place.admitted:
            self._left.append(Departed(place=place, reason=reason, close=close))


async def open_(unit: SignalingUnit, room_id: str, clock: Clock, timings: Timings) -> Register:
    """Open a room's register, which nobody else changes until the unit's end."""
    return Register(unit, room_id, await unit.lock(room_id), clock, timings)


async def roll(unit: SignalingUnit, room_id: str, version: int, timings: Timings) -> Roll:
    """Read who is in a room."""
    held = [(lease, place_of(lease)) for lease in await unit.leases.list(prefix(room_id))]
    seen = [(lease, place) for lease, place in held if place.admitted]
    return Roll(
        version=version,
        places=[place for _, place in seen],
        seen_at={
            place.peer_id: max(place.joined_at, lease.expires_at - timings.held)
            for lease, place in seen
        },
    )


def taken() -> Fault:
    """Say that another socket was faster."""
    return Fault(Kind.CONFLICT, "another socket took this peer_id just now; join again")


def _closed(place: Place, reason: LeaveReason, *, last: bool) -> ConnectionClosed:
    return ConnectionClosed(
        room_id=place.room_id,
        user_id=place.user_id,
        reason=reason,
        peer_connection_id=f"pc_{place.peer_id}",
        last=last,
    )
