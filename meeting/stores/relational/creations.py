"""Which key made which meeting: one row a key of a creator, kept for as long as a key counts."""

from datetime import datetime

from sqlalchemy import Column, ForeignKey, String, Table, delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from meeting.kernel.errors import Fault, Kind
from meeting.stores.relational.database import metadata
from meeting.stores.relational.types import BigKey, Moment
from meeting.stores.relational.upsert import upsert

creations = Table(
    "meeting_creations",
    metadata,
    Column("creator_id", BigKey, primary_key=True, autoincrement=False),
    Column("key", String(128), primary_key=True),
    Column("meeting_id", BigKey, ForeignKey("meetings.id"), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("at", Moment, nullable=False, index=True),
)


class CreationRows:
    """Satisfies `Creations`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def made(self, creator_id: int, key: str, *, since: datetime) -> tuple[int, str] | None:
        """Return id and fingerprint of the meeting that this key made, unless before `since`."""
        rows = await self._connection.execute(
            select(creations.c.meeting_id, creations.c.fingerprint).where(
                creations.c.creator_id == creator_id,
                creations.c.key == key,
                creations.c.at >= since,
            )
        )
        row = rows.first()
        return None if row is None else (row.meeting_id, row.fingerprint)

    async def remember(
        self,
        creator_id: int,
        key: str,
        meeting_id: int,
        fingerprint: str,
        *,
        now: datetime,
        since: datetime,
    ) -> None:
        """Keep which meeting a key made and forget keys from before `since`."""
        await self._connection.execute(delete(creations).where(creations.c.at < since))
        row = {
            "creator_id": creator_id,
            "key": key,
            "meeting_id": meeting_id,
            "fingerprint": fingerprint,
            "at": now,
        }
        kept = await self._connection.execute(
            upsert(self._connection, creations, row, keys=["creator_id", "key"], replace=False)
        )
        if kept.rowcount != 1:
            raise Fault(Kind.CONFLICT, "a request with this Idempotency-Key is running; ask again")
