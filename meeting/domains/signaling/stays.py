"""Who has a socket, in a room or not: each socket is a stay, held as a lease of its user.

A stay shows whether the user domain was told of it. One that is over stands until the user domain
has been told of that, too, so that whoever dies on the way leaves it to the next that looks.
"""

from collections.abc import Iterable, Sequence
from datetime import timedelta

import msgspec

from meeting.domains.signaling.model import Timings, owner
from meeting.domains.signaling.ports import SignalingUnit
from meeting.kernel.clock import Clock
from meeting.kernel.ids import id_of
from meeting.kernel.lease import Lease
from meeting.kernel.ports import Units

STAYS = "presence:"
"""What the keys of all stays begin with."""


class Stay(msgspec.Struct, frozen=True, kw_only=True):
    """One socket of a user."""

    user_id: int
    session_id: str

    @property
    def key(self) -> str:
        """Return the key of its lease."""
        return f"{_prefix(self.user_id)}{self.session_id}"


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """What a stay's lease shows."""

    told: bool = False
    """The user domain knows that the user is here."""
    ending: bool = False
    """It may have been told that the user is gone."""


class Stays:
    """The stays of all processes."""

    def __init__(self, units: Units[SignalingUnit], clock: Clock, timings: Timings) -> None:
        self._units = units
        self._clock = clock
        self._timings = timings

    async def begin(self, stays: Sequence[Stay]) -> list[Stay]:
        """Hold stays; return those of users of whom nobody has told yet that they are here."""
        news = []
        async with self._units.write() as unit:
            for stay in _ordered(stays):
                mark = Mark(told=await self._known(unit, stay.user_id))
                value = msgspec.to_builtins(mark)
                await unit.leases.take(stay.key, owner(stay.user_id), self._timings.held, value)
                if not mark.told:
                    news.append(stay)
        return news

    async def _known(self, unit: SignalingUnit, user_id: int) -> bool:
        """Find a stay that lives and was told of; it can't end before this unit does."""
        for lease in await unit.leases.list(_prefix(user_id)):
            if _mark(lease).told:
                now = await unit.leases.get(lease.key, lock=True)
                if now is not None and now.lives(self._clock.now()):
                    return True
        return False

    async def told(self, stay: Stay) -> None:
        """Note that the user domain knows of a stay."""
        async with self._units.write() as unit:
            lease = await unit.leases.get(stay.key, lock=True)
            if lease is not None:
                mark = msgspec.structs.replace(_mark(lease), told=True)
                await unit.leases.rewrite(lease, msgspec.to_builtins(mark))

    async def renew(self, stays: Sequence[Stay]) -> None:
        """Keep the stays of living sockets."""
        if stays:
            async with self._units.write() as unit:
                await unit.leases.renew_all([stay.key for stay in stays], self._timings.held)

    async def lapse(self, stays: Sequence[tuple[Stay, bool]]) -> None:
        """Let stays end: at once, or where the user may come back after the grace."""
        ends = dict(stays)
        async with self._units.write() as unit:
            for stay in _ordered(ends):
                lease = await unit.leases.get(stay.key, lock=True)
                if lease is not None:
                    left = timedelta() if ends[stay] else self._timings.kept
                    await unit.leases.renew(lease, left)

    async def over(self, limit: int) -> Sequence[Lease]:
        """Return stays that are over and that the user domain may not know of yet."""
        async with self._units.read() as unit:
            return await unit.leases.over(STAYS, limit)

    async def close(self, lease: Lease) -> bool | None:
        """Say what the user domain is to be told of a stay that is over: online or not.

        None: nothing, it is forgotten already.
        """
        async with self._units.write() as unit:
            now = await unit.leases.get(lease.key, lock=True)
            if now is None or now.lives(self._clock.now()):
                return None
            mark = _mark(now)
            here = await self._here(unit, user_of(lease))
            if here and not mark.ending:
                await unit.leases.release(now)
                return None
            if not mark.ending:
                ending = msgspec.structs.replace(mark, ending=True)
                await unit.leases.rewrite(now, msgspec.to_builtins(ending))
            return here

    async def forget(self, lease: Lease) -> None:
        """Drop a stay whose end was told, unless the socket has taken it again."""
        async with self._units.write() as unit:
            await unit.leases.release(lease)

    async def here(self, user_id: int) -> bool:
        """Tell whether a user has a socket anywhere."""
        async with self._units.read() as unit:
            return await self._here(unit, user_id)

    async def _here(self, unit: SignalingUnit, user_id: int) -> bool:
        now = self._clock.now()
        return any(lease.lives(now) for lease in await unit.leases.list(_prefix(user_id)))


def user_of(lease: Lease) -> int:
    """Read whose stay it is."""
    return id_of(lease.key.removeprefix(STAYS).partition("/")[0]) or 0


def _ordered(stays: Iterable[Stay]) -> list[Stay]:
    """Put stays in the order in which everybody locks several: nobody waits crosswise."""
    return sorted(stays, key=lambda stay: stay.key)


def _prefix(user_id: int) -> str:
    return f"{STAYS}{user_id}/"


def _mark(lease: Lease) -> Mark:
    return msgspec.convert(lease.value, type=Mark)
