"""Leases on SQL: the rules of `kernel.lease`, one row a hold.

The fence is the row's own number, which the database counts up and never gives twice: so it
rises on a key though a hold that was given back leaves no row.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from sqlalchemy import JSON, Column, String, Table, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from meeting.kernel import lease as rules
from meeting.kernel.clock import Clock
from meeting.kernel.lease import Lease
from meeting.stores.relational.database import Database, metadata
from meeting.stores.relational.types import BigKey, Moment
from meeting.stores.relational.upsert import upsert

leases = Table(
    "leases",
    metadata,
    Column("fence", BigKey, primary_key=True),
    Column("key", String(200), nullable=False, unique=True),
    Column("owner", String(64), nullable=False, index=True),
    Column("expires_at", Moment, nullable=False, index=True),
    Column("value", JSON, nullable=False),
    sqlite_autoincrement=True,
)


class LeaseRows:
    """Leases inside a transaction of somebody else, so that they commit with its other rows."""

    def __init__(self, connection: AsyncConnection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    async def take(
        self, key: str, owner: str, ttl: timedelta, value: dict[str, Any] | None = None
    ) -> Lease | None:
        """Take a key; None while another owner holds it."""
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

    async def release(self, lease: Lease) -> bool:
        """Give a hold back; False when it was lost before."""
        done = await self._connection.execute(
            delete(leases).where(
                leases.c.key == lease.key,
                leases.c.owner == lease.owner,
                leases.c.fence == lease.fence,
            )
        )
        return done.rowcount == 1

    async def get(self, key: str, *, lock: bool = False) -> Lease | None:
        """Return the hold on a key, also one that is over; `lock` keeps other writers off it."""
        wanted = select(leases).where(leases.c.key == key)
        if lock:
            wanted = wanted.with_for_update()
        row = (await self._connection.execute(wanted)).mappings().first()
        return None if row is None else Lease(**row)

    async def list(self, prefix: str) -> Sequence[Lease]:
        """Return the holds on keys that begin with `prefix`, by key, over or not."""
        rows = await self._connection.execute(
            select(leases)
            .where(leases.c.key.startswith(prefix, autoescape=True))
            .order_by(leases.c.key)
        )
        return [Lease(**row) for row in rows.mappings()]

    async def over(self, prefix: str, limit: int = 100) -> Sequence[Lease]:
        """Return holds below a prefix that are over, the longest ago first."""
        rows = await self._connection.execute(
            select(leases)
            .where(
                leases.c.key.startswith(prefix, autoescape=True),
                leases.c.expires_at <= self._clock.now(),
            )
            .order_by(leases.c.expires_at)
            .limit(limit)
        )
        return [Lease(**row) for row in rows.mappings()]


class SqlLeases:
    """The `Leases` port on SQL: each call is a transaction of its own."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def take(
        self, key: str, owner: str, ttl: timedelta, value: dict[str, Any] | None = None
    ) -> Lease | None:
        """Take a key; None while another owner holds it."""
        async with self._database.write() as connection:
            return await LeaseRows(connection, self._clock).take(key, owner, ttl, value)

    async def renew(self, lease: Lease, ttl: timedelta) -> Lease | None:
        """Extend a hold; None when it is lost."""
        async with self._database.write() as connection:
            return await LeaseRows(connection, self._clock).renew(lease, ttl)

    async def release(self, lease: Lease) -> bool:
        """Give a hold back; False when it was lost before."""
        async with self._database.write() as connection:
            return await LeaseRows(connection, self._clock).release(lease)

    async def get(self, key: str) -> Lease | None:
        """Return the hold on a key, also one that is over and not swept yet."""
        async with self._database.read() as connection:
            return await LeaseRows(connection, self._clock).get(key)

    async def list(self, prefix: str) -> Sequence[Lease]:
        """Return the holds on keys that begin with `prefix`, by key, over or not."""
        async with self._database.read() as connection:
            return await LeaseRows(connection, self._clock).list(prefix)
