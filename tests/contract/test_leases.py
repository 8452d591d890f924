"""The leases suite over every adapter, and over twins that it must reject."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, update

from meeting.kernel.lease import Lease
from meeting.stores.relational.leases import LeaseRows, leases
from meeting.transports.leases import scripts
from meeting.transports.leases.leases import RedisLeases
from meeting.transports.redis.script import Script
from tests.contract.leases import (
    PROMISES,
    World,
    fenced,
    fenced_after_release,
    listed,
    not_revived,
    one_holder,
    raced,
)
from tests.contract.worlds import SqlLeases, SqlWorld, served
from tests.redis import Redis
from tests.stores import at

Promise = Callable[[World], Awaitable[None]]


@pytest.fixture
async def sql(url: str) -> AsyncIterator[SqlLeases]:
    """Leases in an empty database."""
    async with SqlWorld.open(url) as opened:
        yield SqlLeases(opened.database)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
async def test_sql(promise: Promise, sql: SqlLeases) -> None:
    """SQL leases keep each promise of the port."""
    await promise(sql)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
async def test_redis(promise: Promise, redis: Redis) -> None:
    """Leases in Redis keep each promise of the port."""
    async with served(redis) as world:
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
async def test_rejects(twin: type[LeaseRows], by: Promise, tmp_path: Path) -> None:
    """The suite turns red on leases that ignore fence, end, holder or case, or count anew."""
    async with SqlWorld.open(at(tmp_path)) as opened:
        with pytest.raises(AssertionError):
            await by(SqlLeases(opened.database, twin))


class Hesitant(RedisLeases):
    """Looks first and takes then, in two steps."""

    async def take(
        self, key: str, owner: str, ttl: timedelta, value: dict[str, Any] | None = None
    ) -> Lease | None:
        """Take what nobody seems to have."""
        current = await self.get(key)
        if current is not None and current.owner != owner and current.lives(datetime.now(UTC)):
            return None
        return await super().take(key, owner, ttl, value)


HOLDER = {"held and holder ~= owner and at < ends": "false"}
FENCE = {"redis.call('GET', base .. ':fence')": "held", ", at))": ", 0))"}


@pytest.mark.parametrize(
    ("kind", "name", "broken", "by"),
    [
        (RedisLeases, "RENEW", {" and at < ends": ""}, not_revived),
        (RedisLeases, "RELEASE", {"fence ~= ARGV[2] or ": ""}, fenced_after_release),
        (RedisLeases, "TAKE", FENCE, fenced_after_release),
        (RedisLeases, "TAKE", HOLDER, one_holder),
        (Hesitant, "TAKE", HOLDER, raced),
    ],
    ids=["reviving", "fenceless", "forgetful", "greedy", "hesitant"],
)
async def test_rejects_in_redis(
    kind: type[RedisLeases],
    name: str,
    broken: Mapping[str, str],
    by: Promise,
    redis: Redis,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The suite turns red on scripts that ignore end, fence or holder, count anew, or are two."""
    text = getattr(scripts, name).text
    for whole, instead in broken.items():
        assert whole in text
        text = text.replace(whole, instead)
    monkeypatch.setattr(scripts, name, Script(text))
    async with served(redis, kind) as world:
        with pytest.raises(AssertionError):
            await by(world)
