"""Who is in which room: places as leases, so that they outlive this process and end without it.

Whatever ends a place removes its lease and announces the end in one commit; a place that somebody
else ended already is left alone, so an end takes effect once, however many ask for it.
"""

from collections import Counter
from collections.abc import Sequence
from typing import Protocol

import msgspec

from meeting.domains.meeting.events import LeaveReason
from meeting.domains.signaling.events import ConnectionClosed
from meeting.domains.signaling.model import PLACES, Place, Roll, Timings, owner, place_of, prefix
from meeting.domains.signaling.ports import SignalingUnit
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.lease import Lease
from meeting.kernel.ports import Units


class Gone(msgspec.Struct, frozen=True, kw_only=True):
    """A place that ended, and the roster's version from then on."""

    place: Place
    reason: LeaveReason
    version: int


class Roster(Protocol):
    """The places of all rooms, whichever process their peers speak to."""

    async def hold(self, place: Place) -> Gone | None:
        """Keep a place, unseen, while the meeting is asked; return the one it stands in for.

        `conflict` where another user has that peer_id in the room.
        """
        ...

    async def admit(self, place: Place) -> Roll:
        """Show a held place; `conflict` where it was ended meanwhile."""
        ...

    async def withdraw(self, place: Place, *, unsure: bool) -> None:
        """Give a held place up; `unsure` when the meeting may have let the user in."""
        ...

    async def end(self, place: Place, reason: LeaveReason) -> Gone | None:
        """End a place and announce it; None where it has ended before."""
        ...

    async def clear(self, room_id: str, reason: LeaveReason) -> list[Place]:
        """End all places of a room and announce each end; return them."""
        ...

    async def lapse(self, place: Place) -> None:
        """Let a place live for the grace from now on, and no longer."""
        ...

    async def renew(self, places: Sequence[Place]) -> None:
        """Keep the places of living sockets."""
        ...

    async def roll(self, room_id: str) -> Roll:
        """Return who is in a room, and at which version."""
        ...

    async def held(self, room_id: str, user_id: int) -> list[Place]:
        """Return a user's places in a room, also those that nobody sees yet."""
        ...

    async def over(self, limit: int) -> list[Place]:
        """Return places whose time is over and that nobody has ended yet, the longest ago first."""
        ...

    async def expire(self, place: Place) -> Gone | None:
        """End a place whose time is over; None where it was renewed or ended meanwhile."""
        ...


class LeaseRoster:
    """The roster in the store that holds leases and outbox alike."""

    def __init__(self, units: Units[SignalingUnit], clock: Clock, timings: Timings) -> None:
        self._units = units
        self._clock = clock
        self._timings = timings

    async def hold(self, place: Place) -> Gone | None:
        """Keep a place, unseen, while the meeting is asked; return the one it stands in for."""
        gone = None
        async with self._units.write() as unit:
            current = await unit.leases.get(place.key, lock=True)
            if current is not None:
                old = place_of(current)
                lives = current.lives(self._clock.now())
                if lives and old.user_id != place.user_id:
                    raise Fault(
                        Kind.CONFLICT, "another user has this peer_id; choose one of your own"
                    )
                heir = old.user_id == place.user_id
                place = msgspec.structs.replace(place, owed=heir)
                gone = await _close(unit, old, "replaced" if lives else "connection_lost", heir)
            held = self._timings.held
            if await unit.leases.take(place.key, place.owner, held, place.value) is None:
                raise Fault(Kind.CONFLICT, "another socket took this peer_id just now; join again")
        return gone

    async def admit(self, place: Place) -> Roll:
        """Show a held place; `conflict` where it was ended meanwhile."""
        async with self._units.write() as unit:
            held = await _held(unit, place)
            if held is None:
                raise Fault(Kind.CONFLICT, "the place was taken away while you joined; join again")
            await unit.leases.rewrite(held, place.value)
            await unit.bump(place.room_id)
            return await self._roll(unit, place.room_id)

    async def withdraw(self, place: Place, *, unsure: bool) -> None:
        """Give a held place up; `unsure` when the meeting may have let the user in."""
        async with self._units.write() as unit:
            held = await _held(unit, place)
            if held is None:
                return
            await unit.leases.release(held)
            if unsure or place_of(held).owed:
                await _close(unit, place_of(held), "connection_lost", heir=False)

    async def end(self, place: Place, reason: LeaveReason) -> Gone | None:
        """End a place and announce it; None where it has ended before."""
        async with self._units.write() as unit:
            held = await _held(unit, place)
            if held is None:
                return None
            await unit.leases.release(held)
            return await _close(unit, place_of(held), reason, heir=False)

    async def clear(self, room_id: str, reason: LeaveReason) -> list[Place]:
        """End all places of a room and announce each end; return them.

        In a few statements, however many there are: nobody else may write meanwhile.
        """
        async with self._units.write() as unit:
            places = [place_of(lease) for lease in await unit.leases.clear(prefix(room_id))]
            left = Counter(place.user_id for place in places)
            for place in places:
                left[place.user_id] -= 1
                unit.append(_closed(place, reason, last=not left[place.user_id]))
            if places:
                await unit.bump(room_id, len(places))
            return places

    async def lapse(self, place: Place) -> None:
        """Let a place live for the grace from now on, and no longer."""
        async with self._units.write() as unit:
            held = await _held(unit, place)
            if held is not None:
                await unit.leases.renew(held, self._timings.kept)

    async def renew(self, places: Sequence[Place]) -> None:
        """Keep the places of living sockets."""
        if places:
            async with self._units.write() as unit:
                await unit.leases.renew_all([place.key for place in places], self._timings.held)

    async def roll(self, room_id: str) -> Roll:
        """Return who is in a room, and at which version."""
        async with self._units.read() as unit:
            return await self._roll(unit, room_id)

    async def held(self, room_id: str, user_id: int) -> list[Place]:
        """Return a user's places in a room, also those that nobody sees yet."""
        async with self._units.read() as unit:
            held = await unit.leases.list(prefix(room_id), owner=owner(user_id))
        return [place_of(lease) for lease in held]

    async def over(self, limit: int) -> list[Place]:
        """Return places whose time is over and that nobody has ended yet, the longest ago first."""
        async with self._units.read() as unit:
            return [place_of(lease) for lease in await unit.leases.over(PLACES, limit)]

    async def expire(self, place: Place) -> Gone | None:
        """End a place whose time is over; None where it was renewed or ended meanwhile."""
        async with self._units.write() as unit:
            held = await _held(unit, place)
            if held is None or held.lives(self._clock.now()):
                return None
            await unit.leases.release(held)
            return await _close(unit, place_of(held), "connection_lost", heir=False)

    async def _roll(self, unit: SignalingUnit, room_id: str) -> Roll:
        held = [(lease, place_of(lease)) for lease in await unit.leases.list(prefix(room_id))]
        seen = [(lease, place) for lease, place in held if place.admitted]
        return Roll(
            version=await unit.version(room_id),
            places=[place for _, place in seen],
            seen_at={
                place.peer_id: max(place.joined_at, lease.expires_at - self._timings.held)
                for lease, place in seen
            },
        )


async def _held(unit: SignalingUnit, place: Place) -> Lease | None:
    """Return the lease of this very session; one of a later peer is not ours to end."""
    lease = await unit.leases.get(place.key, lock=True)
    if lease is None or place_of(lease).session_id != place.session_id:
        return None
    return lease


async def _close(unit: SignalingUnit, place: Place, reason: LeaveReason, heir: bool) -> Gone:
    """Announce that a place has ended; `heir` when the same user takes it over at once.

    `last` counts peers that are only held, too; the first of them then owes the announcement,
    in case it is never admitted.
    """
    others = [
        (lease, other)
        for lease in await unit.leases.list(prefix(place.room_id), owner=place.owner)
        if (other := place_of(lease)).peer_id != place.peer_id
    ]
    if others and not heir and not any(other.admitted for _, other in others):
        lease, other = others[0]
        await unit.leases.rewrite(lease, msgspec.structs.replace(other, owed=True).value)
    unit.append(_closed(place, reason, last=not others and not heir))
    return Gone(place=place, reason=reason, version=await unit.bump(place.room_id))


def _closed(place: Place, reason: LeaveReason, *, last: bool) -> ConnectionClosed:
    return ConnectionClosed(
        room_id=place.room_id,
        user_id=place.user_id,
        reason=reason,
        peer_connection_id=f"pc_{place.peer_id}",
        last=last,
    )
