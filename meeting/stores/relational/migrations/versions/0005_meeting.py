"""Rooms, the marks of reports, who is online, and how long people stayed."""

import sqlalchemy as sa
from alembic import op

from meeting.stores.relational.types import BigKey

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables, and the column for the rows that are there."""
    op.create_table(
        "meeting_rooms",
        sa.Column("meeting_id", BigKey, autoincrement=False, nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(
            ["meeting_id"], ["meetings.id"], name=("fk_meeting_rooms_meeting_id")
        ),
        sa.PrimaryKeyConstraint("meeting_id", name=("pk_meeting_rooms")),
    )
    op.create_table(
        "meeting_report_marks",
        sa.Column("meeting_id", BigKey, autoincrement=False, nullable=False),
        sa.Column("wanted", sa.Integer(), nullable=False),
        sa.Column("made", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["meeting_id"], ["meetings.id"], name=("fk_meeting_report_marks_meeting_id")
        ),
        sa.PrimaryKeyConstraint("meeting_id", name=("pk_meeting_report_marks")),
    )
    op.create_table(
        "meeting_online",
        sa.Column("user_id", BigKey, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("user_id", name=("pk_meeting_online")),
    )
    op.add_column(
        "meeting_participants",
        sa.Column("stayed", sa.Integer(), nullable=False, server_default="0"),
    )
