"""Which reports are wanted and which are made: one row a meeting that has ended."""

from sqlalchemy import Column, ForeignKey, Integer, Table, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from meeting.domains.meeting.ports import Mark
from meeting.kernel.errors import Fault, Kind
from meeting.stores.relational.database import metadata
from meeting.stores.relational.types import BigKey
from meeting.stores.relational.upsert import upsert

marks = Table(
    "meeting_report_marks",
    metadata,
    Column("meeting_id", BigKey, ForeignKey("meetings.id"), primary_key=True, autoincrement=False),
    Column("wanted", Integer, nullable=False),
    Column("made", Integer, nullable=False),
)


class ReportRows:
    """Satisfies `Reports`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def begin(self, meeting_id: int) -> Mark:
        """Want the report of a meeting that has ended; once it was, nothing changes."""
        row = {"meeting_id": meeting_id, "wanted": 1, "made": 0}
        first = upsert(self._connection, marks, row, keys=["meeting_id"], replace=False)
        await self._connection.execute(first)
        return await self._find(meeting_id) or Mark(wanted=1, made=0)

    async def want(self, meeting_id: int) -> Mark | None:
        """Want it once more; None where it was never begun."""
        more = update(marks).where(marks.c.meeting_id == meeting_id)
        counted = await self._connection.execute(more.values(wanted=marks.c.wanted + 1))
        return await self._find(meeting_id) if counted.rowcount else None

    async def mark(self, meeting_id: int) -> Mark | None:
        """Return how things stand; None where it was never begun."""
        return await self._find(meeting_id)

    async def made(self, meeting_id: int, mark: Mark) -> Mark:
        """Note that what `mark` wanted is made, unless more is already; return what stands now."""
        now = await self._find(meeting_id, lock=True) or mark
        if now.made >= mark.wanted:
            return now
        if now.made != mark.made:
            raise Fault(Kind.CONFLICT, "another report was made meanwhile; it is made again")
        noted = update(marks).where(marks.c.meeting_id == meeting_id)
        await self._connection.execute(noted.values(made=mark.wanted))
        return Mark(wanted=now.wanted, made=mark.wanted)

    async def _find(self, meeting_id: int, *, lock: bool = False) -> Mark | None:
        wanted = select(marks.c.wanted, marks.c.made).where(marks.c.meeting_id == meeting_id)
        if lock:
            wanted = wanted.with_for_update()
        row = (await self._connection.execute(wanted)).first()
        return None if row is None else Mark(wanted=row.wanted, made=row.made)
