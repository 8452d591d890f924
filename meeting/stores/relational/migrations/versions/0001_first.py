"""The first tables: outbox and cursors, leases, documents, and the rows of the domains."""

import sqlalchemy as sa
from alembic import op

from meeting.stores.relational.types import BigKey, Moment

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "documents",
        sa.Column("collection", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("meeting_id", BigKey, nullable=False),
        sa.Column("user_id", BigKey, nullable=False),
        sa.Column("kind", sa.String(length=64), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("body", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("collection", "key", name=("pk_documents")),
    )
    op.create_index(
        "ix_documents_of_meeting", "documents", ["collection", "meeting_id", "at"], unique=False
    )
    op.create_table(
        "leases",
        sa.Column("key", sa.String(length=200), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("fence", sa.Integer(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=("pk_leases")),
    )
    op.create_index(("ix_leases_expires_at"), "leases", ["expires_at"], unique=False)
    op.create_index(("ix_leases_owner"), "leases", ["owner"], unique=False)
    op.create_table(
        "outbox",
        sa.Column("position", BigKey, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("topic", sa.String(length=64), nullable=False),
        sa.Column("message_id", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("position", name=("pk_outbox")),
        sa.UniqueConstraint("message_id", name=("uq_outbox_message_id")),
    )
    op.create_index(("ix_outbox_topic"), "outbox", ["topic"], unique=False)
    op.create_table(
        "outbox_cursors",
        sa.Column("consumer", sa.String(length=64), nullable=False),
        sa.Column("topic", sa.String(length=64), nullable=False),
        sa.Column("position", BigKey, nullable=False),
        sa.PrimaryKeyConstraint("consumer", "topic", name=("pk_outbox_cursors")),
    )
    op.create_table(
        "outbox_parked",
        sa.Column("consumer", sa.String(length=64), nullable=False),
        sa.Column("message_id", sa.String(length=64), nullable=False),
        sa.Column("topic", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("parked_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("consumer", "message_id", name=("pk_outbox_parked")),
    )
