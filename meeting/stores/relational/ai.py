"""Rows of the AI domain: results of analysis, whole, as JSON."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import JSON, Column, Float, Integer, RowMapping, String, Table, func, select

from meeting.domains.ai.model import Analysis
from meeting.kernel.page import Found, Page
from meeting.stores.relational.database import metadata
from meeting.stores.relational.types import BigKey, Moment
from meeting.stores.relational.unit import SqlUnit
from meeting.stores.relational.upsert import upsert

ai_tasks = Table(
    "ai_tasks",
    metadata,
    Column("task_id", String(128), primary_key=True),
    Column("analysis_type", String(32), primary_key=True),
    Column("segment", Integer, primary_key=True, autoincrement=False),
    Column("meeting_id", BigKey, nullable=False, index=True),
    Column("user_id", BigKey, nullable=False),
    Column("status", String(16), nullable=False),
    Column("result", JSON, nullable=False),
    Column("confidence", Float, nullable=False),
    Column("model", String(128), nullable=False),
    Column("model_sha256", String(64), nullable=False),
    Column("created_at", Moment, nullable=False),
)


_newest = (ai_tasks.c.created_at.desc(), ai_tasks.c.task_id, ai_tasks.c.segment)


class SqlAiUnit(SqlUnit):
    """One transaction on the AI domain's rows."""

    SOURCE = "ai"

    async def add(self, analysis: Analysis) -> bool:
        """Keep a result; False, without a change, where its key is kept already."""
        added = await self.connection.execute(
            upsert(
                self.connection,
                ai_tasks,
                {name: getattr(analysis, name) for name in Analysis.__struct_fields__},
                keys=["task_id", "analysis_type", "segment"],
                replace=False,
            )
        )
        return added.rowcount == 1

    async def get(self, task_id: str, analysis_type: str, segment: int = 0) -> Analysis | None:
        """Return one result."""
        rows = await self.connection.execute(
            select(ai_tasks).where(
                ai_tasks.c.task_id == task_id,
                ai_tasks.c.analysis_type == analysis_type,
                ai_tasks.c.segment == segment,
            )
        )
        row = rows.mappings().first()
        return None if row is None else _analysis(row)

    async def task(self, task_id: str, limit: int) -> Sequence[Analysis]:
        """Return the results of a task, the first segment first."""
        rows = await self.connection.execute(
            select(ai_tasks)
            .where(ai_tasks.c.task_id == task_id)
            .order_by(ai_tasks.c.segment, ai_tasks.c.analysis_type)
            .limit(limit)
        )
        return [_analysis(row) for row in rows.mappings()]

    async def newest(self, meeting_id: int, limit: int) -> Sequence[Analysis]:
        """Return the newest results of a meeting."""
        rows = await self.connection.execute(
            select(ai_tasks)
            .where(ai_tasks.c.meeting_id == meeting_id)
            .order_by(*_newest)
            .limit(limit)
        )
        return [_analysis(row) for row in rows.mappings()]

    async def list(self, meeting_id: int, analysis_type: str, page: Page) -> Found[Analysis]:
        """Return a page of a meeting's results, newest first; an empty type means all."""
        wanted = ai_tasks.c.meeting_id == meeting_id
        if analysis_type:
            wanted &= ai_tasks.c.analysis_type == analysis_type
        total = await self.connection.scalar(
            select(func.count()).select_from(ai_tasks).where(wanted)
        )
        rows = await self.connection.execute(
            select(ai_tasks).where(wanted).order_by(*_newest).limit(page.size).offset(page.offset)
        )
        return Found(rows=[_analysis(row) for row in rows.mappings()], total=total or 0)


def _analysis(row: RowMapping) -> Analysis:
    fields: dict[str, Any] = dict(row)
    return Analysis(**fields)
