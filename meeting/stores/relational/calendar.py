"""The tables of meetings, and of those who take part in them."""

from sqlalchemy import JSON, Boolean, Column, ForeignKey, Integer, String, Table, UniqueConstraint

from meeting.stores.relational.database import metadata
from meeting.stores.relational.types import BigKey, Moment

meetings = Table(
    "meetings",
    metadata,
    Column("id", BigKey, primary_key=True, autoincrement=True),
    Column("title", String(100), nullable=False),
    Column("description", String(500), nullable=False),
    Column("creator_id", BigKey, nullable=False, index=True),
    Column("start_time", Moment, nullable=False, index=True),
    Column("end_time", Moment, nullable=False),
    Column("actual_start_time", Moment),
    Column("actual_end_time", Moment),
    Column("max_participants", Integer, nullable=False),
    Column("meeting_type", Integer, nullable=False),
    Column("status", Integer, nullable=False, index=True),
    Column("password_hash", String(255), nullable=False),
    Column("settings", JSON, nullable=False),
    Column("version", BigKey, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("updated_at", Moment, nullable=False),
    sqlite_autoincrement=True,  # an id is never given twice
)

participants = Table(
    "meeting_participants",
    metadata,
    Column("id", BigKey, primary_key=True, autoincrement=True),
    Column("meeting_id", BigKey, ForeignKey("meetings.id"), nullable=False),
    Column("user_id", BigKey, nullable=False, index=True),
    Column("username", String(50), nullable=False),
    Column("full_name", String(50), nullable=False),
    Column("role", Integer, nullable=False),
    Column("status", Integer, nullable=False),
    Column("online", Boolean, nullable=False),
    Column("joined_at", Moment),
    Column("left_at", Moment),
    Column("arrived_at", Moment),
    Column("stayed", Integer, nullable=False),
    UniqueConstraint("meeting_id", "user_id"),
    sqlite_autoincrement=True,
)
