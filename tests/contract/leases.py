"""What every adapter of `Leases` promises, as checks that any adapter can be put through."""

import asyncio
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any, Protocol

import msgspec
import pytest

from meeting.kernel import lease as rules
from meeting.kernel.lease import Lease
from meeting.kernel.ports import Leases

TTL = timedelta(seconds=15)
TAKERS = 20


class World(Protocol):
    """Leases in an empty store, whose time can be moved."""

    @property
    def leases(self) -> Leases:
        """Return the adapter under test."""

    async def move(self, span: timedelta) -> None:
        """Let time pass for holds."""


async def take(world: World, owner: str, key: str = "room/1") -> Lease | None:
    """Take a key for the usual time."""
    return await world.leases.take(key, owner, TTL, {"who": owner})


async def held(lease: Awaitable[Lease | None]) -> Lease:
    """Expect the take to succeed."""
    taken = await lease
    assert taken is not None
    return taken


async def one_holder(world: World) -> None:
    """While a lease lives, nobody else gets the key."""
    first = await held(take(world, "a"))
    assert await take(world, "b") is None
    assert await world.leases.get("room/1") == first
    assert first.value == {"who": "a"}


async def after_expiry(world: World) -> None:
    """At its very end a lease is over, and the next holder has a higher fence."""
    first = await held(take(world, "a"))
    await world.move(TTL)
    second = await held(take(world, "b"))
    assert second.fence > first.fence


async def renewed(world: World) -> None:
    """A renewed lease outlives its first end."""
    lease = await held(take(world, "a"))
    await world.move(TTL * 0.8)
    assert await world.leases.renew(lease, TTL) is not None
    await world.move(TTL * 0.8)
    assert await take(world, "b") is None


async def not_revived(world: World) -> None:
    """A lease that is over can't be renewed, though nobody took it."""
    lease = await held(take(world, "a"))
    await world.move(TTL)
    assert await world.leases.renew(lease, TTL) is None


async def fenced(world: World) -> None:
    """Whoever was cut off can neither renew nor release what another holds now."""
    old = await held(take(world, "a"))
    await world.move(TTL)
    new = await held(take(world, "b"))
    assert await world.leases.renew(old, TTL) is None
    assert not await world.leases.release(old)
    assert await world.leases.get("room/1") == new


async def fenced_from_itself(world: World) -> None:
    """The same owner taking again makes its own older hold worthless."""
    old = await held(take(world, "a"))
    new = await held(take(world, "a"))
    assert new.fence > old.fence
    assert not await world.leases.release(old)
    assert await world.leases.release(new)


async def released(world: World) -> None:
    """A released key is free at once."""
    lease = await held(take(world, "a"))
    assert await world.leases.release(lease)
    assert not await world.leases.release(lease)
    assert await take(world, "b") is not None


async def fenced_after_release(world: World) -> None:
    """A hold that was given back is worth nothing on the next one, though its owner is the same."""
    old = await held(take(world, "a"))
    assert await world.leases.release(old)
    new = await held(take(world, "a"))
    assert new.fence > old.fence
    assert await world.leases.renew(old, TTL) is None
    assert not await world.leases.release(old)
    assert await world.leases.get("room/1") == new


async def listed(world: World) -> None:
    """A list holds exactly the keys below the prefix, by key; case counts, `%` and `_` do not."""
    for key in ("room/2", "room/1", "roomy", "Room/1", "ro%m/1", "ro_m/1", "room/\U0001f600"):
        await held(take(world, "a", key))
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
        await held(take(world, owner, key))
    found = await world.leases.list("room/", owner="a")
    assert [lease.key for lease in found] == ["room/1", "room/3"]


async def renewed_together(world: World) -> None:
    """Of many named keys those that live are extended, and one that is over is not."""
    await held(take(world, "a", "room/dead"))
    await world.move(TTL * 0.8)
    for key in ("room/first", "room/last", "room/unnamed"):
        await held(take(world, "a", key))
    await world.move(TTL * 0.2)
    nobodys = [f"room/{number}" for number in range(1500)]
    await world.leases.renew_all(["room/dead", "room/first", *nobodys, "room/last"], TTL)
    await world.move(TTL * 0.9)
    over = await world.leases.over("room/", 10)
    assert [lease.key for lease in over] == ["room/dead", "room/unnamed"]


async def rewritten(world: World) -> None:
    """A hold shows what was written last; an older one on the key writes nothing."""
    old = await held(take(world, "a"))
    new = await held(take(world, "a"))
    assert await world.leases.rewrite(new, {"who": "new"})
    assert not await world.leases.rewrite(old, {"who": "old"})
    assert await world.leases.get("room/1") == msgspec.structs.replace(new, value={"who": "new"})


async def swept(world: World) -> None:
    """What is over is found below the prefix alone, the longest ago first, no more than asked."""
    for key in ("room/3", "room/1", "hall/1", "room/2"):
        await held(take(world, "a", key))
        await world.move(TTL * 0.1)
    await world.move(TTL * 0.8)
    assert [lease.key for lease in await world.leases.over("room/", 9)] == ["room/3", "room/1"]
    assert [lease.key for lease in await world.leases.over("room/", 1)] == ["room/3"]


async def cleared(world: World) -> None:
    """All holds below a prefix end at once and come back by key, also those that are over."""
    await held(take(world, "a", "room/2"))
    await world.move(TTL)
    kept = await held(take(world, "a", "roomy"))
    await held(take(world, "b", "room/1"))
    assert [lease.key for lease in await world.leases.clear("room/")] == ["room/1", "room/2"]
    assert await world.leases.list("") == [kept]
    assert await world.leases.clear("room/") == []


async def race(world: World, crew: str) -> list[Lease]:
    """Have many take one key at once; those who got it."""
    takers = [take(world, f"{crew} {number}") for number in range(TAKERS)]
    return [lease for lease in await asyncio.gather(*takers) if lease is not None]


async def winner(world: World, crew: str) -> Lease:
    """Expect exactly one of many to get the key, and that it has it then."""
    got = await race(world, crew)
    assert len(got) == 1
    assert await world.leases.get("room/1") == got[0]
    return got[0]


async def raced(world: World) -> None:
    """Of many who take at once exactly one holds: a free key, one given back, and one over."""
    first = await winner(world, "early")
    assert await race(world, "late") == []
    assert await world.leases.release(first)
    second = await winner(world, "late")
    await world.move(TTL)
    third = await winner(world, "early")
    assert first.fence < second.fence < third.fence


async def never_twice(world: World) -> None:
    """No fence is given out a second time, whoever takes, releases or clears which key."""
    fences: list[int] = []
    for _ in range(3):
        taken = [await held(take(world, "a", key)) for key in ("room/1", "room/2", "hall/1")]
        fences += [lease.fence for lease in taken]
        assert await world.leases.release(await held(world.leases.get("room/1")))
        await world.leases.clear("hall/")
        await world.move(TTL)
    assert fences == sorted(set(fences))


async def kept_as_given(world: World) -> None:
    """What a hold shows, and names with anything in them, come back as they were given."""
    value: dict[str, Any] = {
        "big": 2**60 + 1,
        "none": [],
        "in": {"it": {}},
        "text": "é \U0001f600\n",
    }
    key, owner = "room/ä \n[(\U0001f600", "7 8\n9 é"
    taken = await held(world.leases.take(key, owner, TTL, value))
    assert (taken.key, taken.owner, taken.value) == (key, owner, value)
    assert await world.leases.get(key) == taken
    renewed = await held(world.leases.renew(taken, TTL * 2))
    assert renewed.value == value
    assert renewed.expires_at > taken.expires_at
    assert await world.leases.list("room/ä", owner=owner) == [renewed]
    assert await world.leases.clear("room/ä") == [renewed]
    assert await world.leases.get(key) is None
    assert (await held(world.leases.take(key, owner, TTL))).value == {}


async def bounded(world: World) -> None:
    """A key of 200 characters and an owner of 64 are taken; longer ones are refused."""
    key, owner = "k" * rules.LONGEST_KEY, "o" * rules.LONGEST_OWNER
    assert (await held(take(world, owner, key))).key == key
    for long in ((owner + "o", key), (owner, key + "k")):
        with pytest.raises(ValueError, match="too long"):
            await take(world, *long)


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
    raced,
    never_twice,
    kept_as_given,
    bounded,
)
