"""Queues of tasks, and the memory of what other queues' tasks have done."""

import sqlalchemy as sa
from alembic import op

from meeting.stores.relational.types import BigKey, Exact, Moment

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "queue_tasks",
        sa.Column("number", BigKey, autoincrement=True, nullable=False),
        sa.Column("queue", sa.String(length=64), nullable=False),
        sa.Column("task_id", Exact(64), nullable=False),
        sa.Column("lane", sa.SmallInteger(), nullable=False),
        sa.Column("place", sa.String(length=8), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=True),
        sa.Column("written_at", Moment(), nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("fence", BigKey, nullable=False),
        sa.Column("progress", sa.Float(), nullable=False),
        sa.Column("fresh", sa.SmallInteger(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=("pk_queue_tasks")),
        sa.UniqueConstraint("queue", "task_id", name=("uq_queue_tasks_queue")),
        sa.UniqueConstraint("queue", "key", name=("uq_queue_tasks_key")),
        sqlite_autoincrement=True,
    )
    columns = ["queue", "place", "lane", "fresh", "number"]
    op.create_index(("ix_queue_tasks_next"), "queue_tasks", columns, unique=False)
    op.create_index(
        ("ix_queue_tasks_until"), "queue_tasks", ["queue", "place", "until"], unique=False
    )
    op.create_table(
        "queue_turns",
        sa.Column("queue", sa.String(length=64), nullable=False),
        sa.Column("turn", BigKey, nullable=False),
        sa.Column("fence", BigKey, nullable=False),
        sa.PrimaryKeyConstraint("queue", name=("pk_queue_turns")),
    )
    op.create_table(
        "queue_settled",
        sa.Column("queue", sa.String(length=64), nullable=False),
        sa.Column("task_id", Exact(64), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("queue", "task_id", name=("pk_queue_settled")),
    )
    op.create_index(("ix_queue_settled_at"), "queue_settled", ["at"], unique=False)
