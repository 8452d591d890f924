"""Who is in which room: places as leases, so that they outlive this process and end without it."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Protocol

from meeting.domains.meeting.events import LeaveReason
from meeting.domains.signaling import register
from meeting.domains.signaling.changes import RosterChanged
from meeting.domains.signaling.model import (
    PARTED,
    PLACES,
    Place,
    Roll,
    Timings,
    owner,
    place_of,
    prefix,
)
from meeting.domains.signaling.ports import SignalingUnit
from meeting.domains.signaling.register import Register
from meeting.kernel.clock import Clock
from meeting.kernel.ports import Units


class Roster(Protocol):
    """The places of all rooms, whichever process their peers speak to.

    What changes in sight of others is returned as the log has it; None where nothing did.
    """

    async def hold(self, place: Place) -> RosterChanged | None:
        """Keep a place, unseen, while the meeting is asked; whom it stands in for has left.

        `conflict` where another user has that peer_id in the room.
        """
        ...

    async def admit(self, place: Place) -> Roll:
        """Show a held place from the roll's version on; `conflict` where it was ended meanwhile."""
        ...

    async def withdraw(self, place: Place, *, unsure: bool) -> RosterChanged | None:
        """Give a held place up; `unsure` when the meeting may have let the user in."""
        ...

    async def end(self, place: Place, reason: LeaveReason) -> RosterChanged | None:
        """End a place and announce it, unless it has ended before."""
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

    async def find(self, room_id: str, peer_id: str) -> Place | None:
        """Return the place of one peer that others see."""
        ...

    async def held(self, room_id: str, user_id: int) -> list[Place]:
        """Return a user's places in a room, also those that nobody sees yet."""
        ...

    async def over(self, limit: int) -> list[Place]:
        """Return places whose time is over and that nobody has ended yet, the longest ago first."""
        ...

    async def expire(self, room_id: str, places: Iterable[Place]) -> RosterChanged | None:
        """End places of a room whose time is over, but none that was renewed or ended meanwhile."""
        ...

    async def forget(self, limit: int) -> None:
        """Forget marks of departures whose time is over."""
        ...


class LeaseRoster:
    """The roster in the store that holds leases and outbox alike."""

    def __init__(self, units: Units[SignalingUnit], clock: Clock, timings: Timings) -> None:
        self._units = units
        self._clock = clock
        self._timings = timings

    async def hold(self, place: Place) -> RosterChanged | None:
        """Keep a place, unseen, while the meeting is asked; whom it stands in for has left."""
        async with self._units.write() as unit:
            if await unit.leases.get(place.key) is not None:
                room = await register.open_(unit, place.room_id, self._clock, self._timings)
                await room.hold(place)
                return await room.write()
            # Nobody sees it yet, so the room needs no lock.
            held = self._timings.held
            if await unit.leases.take(place.key, place.owner, held, place.value) is None:
                raise register.taken()
        return None

    async def admit(self, place: Place) -> Roll:
        """Show a held place from the roll's version on; `conflict` where it was ended meanwhile."""
        async with self._room(place.room_id) as room:
            return await room.admit(place)

    async def withdraw(self, place: Place, *, unsure: bool) -> RosterChanged | None:
        """Give a held place up; `unsure` when the meeting may have let the user in."""
        async with self._room(place.room_id) as room:
            await room.withdraw(place, unsure=unsure)
            return await room.write()

    async def end(self, place: Place, reason: LeaveReason) -> RosterChanged | None:
        """End a place and announce it, unless it has ended before."""
        async with self._room(place.room_id) as room:
            await room.end(place, reason)
            return await room.write()

    async def lapse(self, place: Place) -> None:
        """Let a place live for the grace from now on, and no longer."""
        async with self._units.write() as unit:
            lease = await unit.leases.get(place.key, lock=True)
            if lease is not None and place_of(lease).session_id == place.session_id:
                await unit.leases.renew(lease, self._timings.kept)

    async def renew(self, places: Sequence[Place]) -> None:
        """Keep the places of living sockets."""
        if places:
            async with self._units.write() as unit:
                await unit.leases.renew_all([place.key for place in places], self._timings.held)

    async def roll(self, room_id: str) -> Roll:
        """Return who is in a room, and at which version."""
        async with self._units.read() as unit:
            version = await unit.version(room_id)
            return await register.roll(unit, room_id, version, self._timings)

    async def find(self, room_id: str, peer_id: str) -> Place | None:
        """Return the place of one peer that others see."""
        async with self._units.read() as unit:
            lease = await unit.leases.get(prefix(room_id) + peer_id)
        place = None if lease is None else place_of(lease)
        return place if place is not None and place.admitted else None

    async def held(self, room_id: str, user_id: int) -> list[Place]:
        """Return a user's places in a room, also those that nobody sees yet."""
        async with self._units.read() as unit:
            held = await unit.leases.list(prefix(room_id), owner=owner(user_id))
        return [place_of(lease) for lease in held]

    async def over(self, limit: int) -> list[Place]:
        """Return places whose time is over and that nobody has ended yet, the longest ago first."""
        async with self._units.read() as unit:
            return [place_of(lease) for lease in await unit.leases.over(PLACES, limit)]

    async def expire(self, room_id: str, places: Iterable[Place]) -> RosterChanged | None:
        """End places of a room whose time is over, but none that was renewed or ended meanwhile."""
        async with self._room(room_id) as room:
            await room.expire(places)
            return await room.write()

    async def forget(self, limit: int) -> None:
        """Forget marks of departures whose time is over."""
        async with self._units.write() as unit:
            # Who ends several places marks their users in the order of the places: wait for nobody.
            for mark in await unit.leases.over(PARTED, limit, lock=True):
                await unit.leases.release(mark)

    @asynccontextmanager
    async def _room(self, room_id: str) -> AsyncIterator[Register]:
        async with self._units.write() as unit:
            yield await register.open_(unit, room_id, self._clock, self._timings)
