"""The leases suite over every adapter, and over twins that it must reject."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import msgspec
import pytest
from sqlalchemy import select, update

from meeting.kernel.lease import Lease
from meeting.kernel.ports import Leases
from meeting.stores.relational.database import Database
from meeting.stores.relational.leases import LeaseRows, leases
from tests.clock import MovingClock
from tests.contract.worlds import SqlWorld
from tests.stores import at

TTL = timedelta(seconds=15)


class Each:
    """Leases of which every call is a transaction of its own."""

    def __init__(self, rows: type[LeaseRows], database: Database, clock: MovingClock) -> None:
        self._rows = rows
        self._database = database
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        async def call(*given: Any, **named: Any) -> Any:
            async with self._database.write() as connection:
                return await getattr(self._rows(connection, self._clock), name)(*given, **named)

        return call


class World:
    """Leases, and the clock by which they end."""

    def __init__(self, rows: type[LeaseRows], database: Database) -> None:
        self.clock = MovingClock()
        self.leases = cast(Leases, Each(rows, database, self.clock))

    async def take(self, owner: str, key: str = "room/1") -> Lease | None:
        """Take a key for the usual time."""
        return await self.leases.take(key, owner, TTL, {"who": owner})


async def held(lease: Awaitable[Lease | None]) -> Lease:
    """Expect the take to succeed."""
    taken = await lease
    assert taken is not None
    return taken


async def one_holder(world: World) -> None:
    """While a lease lives, nobody else gets the key."""
    first = await held(world.take("a"))
    assert await world.take("b") is None
    assert await world.leases.get("room/1") == first
    assert first.value == {"who": "a"}


async def after_expiry(world: World) -> None:
    """At its very end a lease is over, and the next holder has a higher fence."""
    first = await held(world.take("a"))
    world.clock.move(TTL)
    second = await held(world.take("b"))
    assert second.fence > first.fence


async def renewed(world: World) -> None:
    """A renewed lease outlives its first end."""
    lease = await held(world.take("a"))
    world.clock.move(TTL * 0.8)
    assert await world.leases.renew(lease, TTL) is not None
    world.clock.move(TTL * 0.8)
    assert await world.take("b") is None


async def not_revived(world: World) -> None:
    """A lease that is over can't be renewed, though nobody took it."""
    lease = await held(world.take("a"))
    world.clock.move(TTL)
    assert await world.leases.renew(lease, TTL) is None


async def fenced(world: World) -> None:
    """Whoever was cut off can neither renew nor release what another holds now."""
    old = await held(world.take("a"))
    world.clock.move(TTL)
    new = await held(world.take("b"))
    assert await world.leases.renew(old, TTL) is None
    assert not await world.leases.release(old)
    assert await world.leases.get("room/1") == new


async def fenced_from_itself(world: World) -> None:
    """The same owner taking again makes its own older hold worthless."""
    old = await held(world.take("a"))
    new = await held(world.take("a"))
    assert new.fence > old.fence
    assert not await world.leases.release(old)
    assert await world.leases.release(new)


async def released(world: World) -> None:
    """A released key is free at once."""
    lease = await held(world.take("a"))
    assert await world.leases.release(lease)
    assert not await world.leases.release(lease)
    assert await world.take("b") is not None


async def fenced_after_release(world: World) -> None:
    """A hold that was given back is worth nothing on the next one, though its owner is the same."""
    old = await held(world.take("a"))
    assert await world.leases.release(old)
    new = await held(world.take("a"))
    assert new.fence > old.fence
    assert await world.leases.renew(old, TTL) is None
    assert not await world.leases.release(old)
    assert await world.leases.get("room/1") == new


async def listed(world: World) -> None:
    """A list holds exactly the keys below the prefix, by key; case counts, `%` and `_` do not."""
    for key in ("room/2", "room/1", "roomy", "Room/1", "ro%m/1", "ro_m/1", "room/\U0001f600"):
        await held(world.take("a", key))
    assert [lease.key for lease in await world.leases.list("room/")] == [
        "room/1",
        "room/2",
        "room/\U0001f600",
    ]
    assert [lease.key for lease in await world.leases.list("ro_m/")] == ["ro_m/1"]
    assert [lease.key for lease in await world.leases.list("ro%")] == ["ro%m/1"]


async def listed_by_owner(world: World) -> None:
    """A list for an owner leaves the holds of others out."""
    for key, owner in (("room/1", "a"), ("room/2", "b"), ("room/3", "a"), ("hall/1", "a")):
        await held(world.take(owner, key))
    found = await world.leases.list("room/", owner="a")
    assert [lease.key for lease in found] == ["room/1", "room/3"]


async def renewed_together(world: World) -> None:
    """Of many named keys those that live are extended, and one that is over is not."""
    await held(world.take("a", "room/dead"))
    world.clock.move(TTL * 0.8)
    for key in ("room/first", "room/last", "room/unnamed"):
        await held(world.take("a", key))
    world.clock.move(TTL * 0.2)
    nobodys = [f"room/{number}" for number in range(1500)]
    await world.leases.renew_all(["room/dead", "room/first", *nobodys, "room/last"], TTL)
    world.clock.move(TTL * 0.9)
    over = await world.leases.over("room/", 10)
    assert [lease.key for lease in over] == ["room/dead", "room/unnamed"]


async def rewritten(world: World) -> None:
    """A hold shows what was written last; an older one on the key writes nothing."""
    old = await held(world.take("a"))
    new = await held(world.take("a"))
    assert await world.leases.rewrite(new, {"who": "new"})
    assert not await world.leases.rewrite(old, {"who": "old"})
    assert await world.leases.get("room/1") == msgspec.structs.replace(new, value={"who": "new"})


async def swept(world: World) -> None:
    """What is over is found below the prefix alone, the longest ago first, no more than asked."""
    for key in ("room/3", "room/1", "hall/1", "room/2"):
        await held(world.take("a", key))
        world.clock.move(TTL * 0.1)
    world.clock.move(TTL * 0.8)
    assert [lease.key for lease in await world.leases.over("room/", 9)] == ["room/3", "room/1"]
    assert [lease.key for lease in await world.leases.over("room/", 1)] == ["room/3"]


async def cleared(world: World) -> None:
    """All holds below a prefix end at once and come back by key, also those that are over."""
    await held(world.take("a", "room/2"))
    world.clock.move(TTL)
    kept = await held(world.take("a", "roomy"))
    await held(world.take("b", "room/1"))
    assert [lease.key for lease in await world.leases.clear("room/")] == ["room/1", "room/2"]
    assert await world.leases.list("") == [kept]
    assert await world.leases.clear("room/") == []


PROMISES = (
    one_holder,
    after_expiry,
    renewed,
    not_revived,
    fenced,
    fenced_from_itself,
    released,
    fenced_after_release,
    listed,
    listed_by_owner,
    renewed_together,
    rewritten,
    swept,
    cleared,
)


@pytest.fixture
async def world(url: str) -> AsyncIterator[World]:
    """Leases, on a clock that only the test moves."""
    async with SqlWorld.open(url) as sql:
        yield World(LeaseRows, sql.database)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
async def test_keeps(promise: Callable[[World], Awaitable[None]], world: World) -> None:
    """SQL leases keep each promise of the port."""
    await promise(world)


class Fenceless(LeaseRows):
    """Looks at the key and the owner alone."""

    async def release(self, lease: Lease) -> bool:
        """Release whatever hold there is on the key."""
        current = await self.get(lease.key)
        return current is not None and await super().release(current)


class Reviving(LeaseRows):
    """Renews by taking again."""

    async def renew(self, lease: Lease, ttl: timedelta) -> Lease | None:
        """Take the key anew when it is over."""
        return await self.take(lease.key, lease.owner, ttl, lease.value)


class Greedy(LeaseRows):
    """Gives the key to everybody."""

    async def take(
        self, key: str, owner: str, ttl: timedelta, value: dict[str, Any] | None = None
    ) -> Lease | None:
        """Release the holder first."""
        current = await self.get(key)
        if current is not None:
            await self.release(current)
        return await super().take(key, owner, ttl, value)


class Folding(LeaseRows):
    """Lists by LIKE, as SQLite reads it."""

    async def list(self, prefix: str, *, owner: str = "") -> Sequence[Lease]:
        """Take keys of any case."""
        rows = await self._connection.execute(
            select(leases).where(leases.c.key.istartswith(prefix, autoescape=True))
        )
        return [Lease(**row) for row in rows.mappings()]


class Forgetful(LeaseRows):
    """Counts fences a key, and begins anew where no row is left."""

    async def take(
        self, key: str, owner: str, ttl: timedelta, value: dict[str, Any] | None = None
    ) -> Lease | None:
        """Give the fence after the one that stands there."""
        current = await self.get(key)
        taken = await super().take(key, owner, ttl, value)
        if taken is None:
            return None
        fence = 1 if current is None else current.fence + 1
        await self._connection.execute(
            update(leases).where(leases.c.key == key).values(fence=fence)
        )
        return msgspec.structs.replace(taken, fence=fence)


@pytest.mark.parametrize(
    ("twin", "by"),
    [
        (Fenceless, fenced),
        (Reviving, not_revived),
        (Greedy, one_holder),
        (Folding, listed),
        (Forgetful, fenced_after_release),
    ],
    ids=["fenceless", "reviving", "greedy", "folding", "forgetful"],
)
async def test_rejects(
    twin: type[LeaseRows], by: Callable[[World], Awaitable[None]], tmp_path: Path
) -> None:
    """The suite turns red on leases that ignore fence, end, holder or case, or count anew."""
    async with SqlWorld.open(at(tmp_path)) as sql:
        with pytest.raises(AssertionError):
            await by(World(twin, sql.database))
