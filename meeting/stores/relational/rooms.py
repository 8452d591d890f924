"""How far the house is with the rooms: one row a room that somebody has touched."""

from sqlalchemy import Column, ForeignKey, String, Table, select
from sqlalchemy.ext.asyncio import AsyncConnection

from meeting.domains.meeting.model import RoomStatus
from meeting.stores.relational.database import metadata
from meeting.stores.relational.types import BigKey
from meeting.stores.relational.upsert import upsert

rooms = Table(
    "meeting_rooms",
    metadata,
    Column("meeting_id", BigKey, ForeignKey("meetings.id"), primary_key=True, autoincrement=False),
    Column("status", String(16), nullable=False),
)


class RoomRows:
    """Satisfies `Rooms`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def status(self, meeting_id: int) -> RoomStatus:
        """Return the state of a meeting's room; pending where nobody has touched it."""
        found = select(rooms.c.status).where(rooms.c.meeting_id == meeting_id)
        status = await self._connection.scalar(found)
        return RoomStatus.PENDING if status is None else RoomStatus(status)

    async def set(self, meeting_id: int, status: RoomStatus) -> None:
        """Keep the state of a meeting's room."""
        row = {"meeting_id": meeting_id, "status": status.value}
        kept = upsert(self._connection, rooms, row, keys=["meeting_id"], replace=True)
        await self._connection.execute(kept)
