"""Leases on SQL: the rules of `kernel.lease`, one row a hold, within the transaction of a unit.

So a hold and what its unit announces are one commit. The fence is the row's own number, which the
database counts up and never gives twice: so it rises on a key though a hold that was given back
leaves no row.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import JSON, Column, ColumnElement, String, Table, and_, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from meeting.kernel import lease as rules
from meeting.kernel.clock import Clock
from meeting.kernel.lease import Lease
from meeting.stores.relational.database import metadata
from meeting.stores.relational.types import BigKey, Exact, Moment
from meeting.stores.relational.upsert import upsert

leases = Table(
    "leases",
    metadata,
    Column("fence", BigKey, primary_key=True),
    Column("key", Exact(rules.LONGEST_KEY), nullable=False, unique=True),
    Column("owner", String(rules.LONGEST_OWNER), nullable=False),
    Column("expires_at", Moment, nullable=False, index=True),
    Column("value", JSON, nullable=False),
    sqlite_autoincrement=True,
)

BATCH = 500
"""Keys in one statement; SQLite and PostgreSQL both take far more."""
LAST = "\U0010ffff"
"""No key has this letter, which sorts behind all others."""


class LeaseRows:
    """Satisfies `Lockable`."""

    def __init__(self, connection: AsyncConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    async def take(
        self, key: str, owner: str, ttl: timedelta, value: dict[str, Any] | None = None
    ) -> Lease | None:
        """Take a key; None while another owner holds it."""
        rules.fit(key, owner)
        current = await self.get(key, lock=True)
        now = self._clock.now()
        if not rules.free(current, owner, now):
            return None
        if current is not None:
            await self.release(current)
        row: dict[str, Any] = {
            "key": key,
            "owner": owner,
            "expires_at": now + ttl,
            "value": value or {},
        }
        # Of two that found the key free at once, the second inserts nothing.
        placed = upsert(self._connection, leases, row, keys=["key"], replace=False)
        fence = (await self._connection.execute(placed.returning(leases.c.fence))).scalar()
        return None if fence is None else Lease(fence=fence, **row)

    async def renew(self, lease: Lease, ttl: timedelta) -> Lease | None:
        """Extend a hold; None when it is lost."""
        current = await self.get(lease.key, lock=True)
        renewed = rules.renew(current, lease, ttl=ttl, now=self._clock.now())
        if renewed is not None:
            await self._connection.execute(
                update(leases)
                .where(leases.c.key == lease.key)
                .values(expires_at=renewed.expires_at)
            )
        return renewed

    async def renew_all(self, keys: Sequence[str], ttl: timedelta) -> None:
        """Extend the holds on keys, whoever has them; those that are over stay over.

        An UPDATE locks rows in the order in which it finds them; so they are locked first, by key.
        One that somebody else has locked is waited for: passed over, it might end before the next
        renewal, though its socket lives.
        """
        now, ordered = self._clock.now(), sorted(keys)
        for start in range(0, len(ordered), BATCH):
            some = leases.c.key.in_(ordered[start : start + BATCH])
            living = select(leases.c.fence).where(some, leases.c.expires_at > now)
            locked = living.order_by(leases.c.key).with_for_update()
            fences = (await self._connection.execute(locked)).scalars().all()
            await self._connection.execute(
                update(leases).where(leases.c.fence.in_(fences)).values(expires_at=now + ttl)
            )

    async def rewrite(self, lease: Lease, value: dict[str, Any]) -> bool:
        """Change what a hold shows; False when it was lost before."""
        changed = update(leases).where(_this(lease)).values(value=value)
        done = await self._connection.execute(changed)
        return done.rowcount == 1

    async def release(self, lease: Lease) -> bool:
        """Give a hold back; False when it was lost before."""
        done = await self._connection.execute(delete(leases).where(_this(lease)))
        return done.rowcount == 1

    async def clear(self, prefix: str) -> Sequence[Lease]:
        """End all holds on keys that begin with `prefix`, over or not, and return them, by key.

        A DELETE locks rows as it finds them, too; so what is ended is what was locked, by key.
        """
        locked = select(leases).where(_below(prefix)).order_by(leases.c.key).with_for_update()
        found = [Lease(**row) for row in (await self._connection.execute(locked)).mappings()]
        for start in range(0, len(found), BATCH):
            fences = [lease.fence for lease in found[start : start + BATCH]]
            await self._connection.execute(delete(leases).where(leases.c.fence.in_(fences)))
        return found

    async def get(self, key: str, *, lock: bool = False) -> Lease | None:
        """Return the hold on a key, also one that is over; `lock` keeps other writers off it."""
        wanted = select(leases).where(leases.c.key == key)
        if lock:
            wanted = wanted.with_for_update()
        row = (await self._connection.execute(wanted)).mappings().first()
        return None if row is None else Lease(**row)

    async def list(self, prefix: str, *, owner: str = "") -> Sequence[Lease]:
        """Return the holds on keys that begin with `prefix`, all or one owner's, by key."""
        wanted = select(leases).where(_below(prefix)).order_by(leases.c.key)
        if owner:
            wanted = wanted.where(leases.c.owner == owner)
        rows = await self._connection.execute(wanted)
        return [Lease(**row) for row in rows.mappings()]

    async def over(self, prefix: str, limit: int, *, lock: bool = False) -> Sequence[Lease]:
        """Return holds on keys that begin with `prefix` and are over, the longest ago first.

        With `lock` other writers are kept off them; those that one of them is at are passed over.
        """
        ended = and_(_below(prefix), leases.c.expires_at <= self._clock.now())
        wanted = select(leases).where(ended).order_by(leases.c.expires_at).limit(limit)
        if lock:
            wanted = wanted.with_for_update(skip_locked=True)
        return [Lease(**row) for row in (await self._connection.execute(wanted)).mappings()]


def _this(lease: Lease) -> ColumnElement[bool]:
    """Match this very hold."""
    return and_(
        leases.c.key == lease.key, leases.c.owner == lease.owner, leases.c.fence == lease.fence
    )


def _below(prefix: str) -> ColumnElement[bool]:
    """Match keys that begin with a prefix, as a range: LIKE reads every row, and any case."""
    return and_(leases.c.key >= prefix, leases.c.key < prefix + LAST)
