"""The rows of the signaling domain: places as leases, roster versions, and tickets once used."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Column, Integer, String, Table, delete, func, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from meeting.kernel.clock import Clock
from meeting.kernel.ids import Ids
from meeting.kernel.lease import Lease
from meeting.stores.relational.database import metadata
from meeting.stores.relational.leases import LeaseRows, leases
from meeting.stores.relational.outbox import cursors, outbox
from meeting.stores.relational.types import Moment
from meeting.stores.relational.unit import SqlUnit
from meeting.stores.relational.upsert import upsert

PLACES = "signaling/"
BATCH = 500
"""Keys in one statement; SQLite and PostgreSQL both take far more."""

rooms = Table(
    "signaling_rooms",
    metadata,
    Column("room_id", String(64), primary_key=True),
    Column("version", Integer, nullable=False),
)

tickets = Table(
    "signaling_tickets",
    metadata,
    Column("jti", String(64), primary_key=True),
    Column("until", Moment, nullable=False, index=True),
)


class SqlSignalingUnit(SqlUnit):
    """One transaction over the rows of signalling."""

    SOURCE = "signaling"

    def __init__(self, connection: AsyncConnection, clock: Clock, ids: Ids) -> None:
        super().__init__(connection, clock, ids)
        self._leases = LeaseRows(connection, clock)

    async def lease(self, key: str) -> Lease | None:
        """Return the hold on a key, over or not, and keep other writers off it."""
        return await self._leases.get(key, lock=True)

    async def leases(self, prefix: str) -> Sequence[Lease]:
        """Return the holds below a prefix, by key, over or not."""
        return await self._leases.list(prefix)

    async def over(self, limit: int) -> Sequence[Lease]:
        """Return places whose time is over, the longest ago first."""
        return await self._leases.over(PLACES, limit)

    async def take(self, key: str, owner: str, ttl: timedelta, value: dict[str, Any]) -> bool:
        """Take a key with a new fence; False while another owner holds it."""
        return await self._leases.take(key, owner, ttl, value) is not None

    async def extend(self, lease: Lease, ttl: timedelta) -> None:
        """Set how long a hold lives from now on; one that is over stays over."""
        await self._leases.renew(lease, ttl)

    async def extend_all(self, keys: Sequence[str], ttl: timedelta) -> None:
        """Extend living holds, in one statement a batch of keys."""
        now = self.clock.now()
        for start in range(0, len(keys), BATCH):
            await self.connection.execute(
                update(leases)
                .where(leases.c.key.in_(keys[start : start + BATCH]), leases.c.expires_at > now)
                .values(expires_at=now + ttl)
            )

    async def rewrite(self, lease: Lease, value: dict[str, Any]) -> None:
        """Change what a hold shows."""
        await self.connection.execute(
            update(leases)
            .where(leases.c.key == lease.key, leases.c.fence == lease.fence)
            .values(value=value)
        )

    async def release(self, lease: Lease) -> None:
        """Remove a hold."""
        await self._leases.release(lease)

    async def version(self, room_id: str) -> int:
        """Return the version of a room's roster."""
        found = select(rooms.c.version).where(rooms.c.room_id == room_id)
        return (await self.connection.execute(found)).scalar() or 0

    async def bump(self, room_id: str) -> int:
        """Raise the version of a room's roster and return it."""
        row = {"room_id": room_id, "version": 0}
        await self.connection.execute(
            upsert(self.connection, rooms, row, keys=["room_id"], replace=False)
        )
        raised = await self.connection.execute(
            update(rooms)
            .where(rooms.c.room_id == room_id)
            .values(version=rooms.c.version + 1)
            .returning(rooms.c.version)
        )
        return int(raised.scalar_one())

    async def spend(self, jti: str, until: datetime) -> bool:
        """Use a ticket up; False where it was used before. Those that are over are forgotten."""
        await self.connection.execute(delete(tickets).where(tickets.c.until <= self.clock.now()))
        row = {"jti": jti, "until": until}
        done = await self.connection.execute(
            upsert(self.connection, tickets, row, keys=["jti"], replace=False)
        )
        return done.rowcount == 1

    async def jump(self, consumer: str, topic: str) -> None:
        """Move a consumer's cursor to the end of the log."""
        end = (await self.connection.execute(select(func.max(outbox.c.position)))).scalar()
        await self.connection.execute(
            delete(cursors).where(cursors.c.consumer == consumer, cursors.c.topic == topic)
        )
        if end is not None:
            await self.connection.execute(
                insert(cursors).values(consumer=consumer, topic=topic, position=end)
            )
