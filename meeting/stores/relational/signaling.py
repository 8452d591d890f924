"""The rows of the signaling domain: places as leases, roster versions, and tickets once used."""

from datetime import datetime

from sqlalchemy import Column, Integer, String, Table, delete, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from meeting.kernel.clock import Clock
from meeting.kernel.ids import Ids
from meeting.kernel.ports import Lockable
from meeting.stores.relational.database import metadata
from meeting.stores.relational.leases import LeaseRows
from meeting.stores.relational.types import Moment
from meeting.stores.relational.unit import SqlUnit
from meeting.stores.relational.upsert import upsert

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
        self.leases: Lockable = LeaseRows(connection, clock)

    async def version(self, room_id: str) -> int:
        """Return the version of a room's roster."""
        found = select(rooms.c.version).where(rooms.c.room_id == room_id)
        return (await self.connection.execute(found)).scalar() or 0

    async def lock(self, room_id: str) -> int:
        """Keep other changes off a room's roster until the unit's end; return its version."""
        wanted = select(rooms.c.version).where(rooms.c.room_id == room_id).with_for_update()
        found = (await self.connection.execute(wanted)).scalar()
        if found is None:
            row = {"room_id": room_id, "version": 0}
            await self.connection.execute(
                upsert(self.connection, rooms, row, keys=["room_id"], replace=False)
            )
            found = (await self.connection.execute(wanted)).scalar_one()
        return int(found)

    async def bump(self, room_id: str, by: int = 1) -> int:
        """Raise the version of a locked room's roster, and return it."""
        raised = await self.connection.execute(
            update(rooms)
            .where(rooms.c.room_id == room_id)
            .values(version=rooms.c.version + by)
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
