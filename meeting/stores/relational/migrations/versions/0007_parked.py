"""Parked events know what they were, and can be handled again."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Take those that nobody could read for a stranger's, all others for our own."""
    for column in (
        sa.Column("kind", sa.String(length=8), nullable=False, server_default="event"),
        sa.Column("source", sa.String(length=32), nullable=False, server_default=""),
        sa.Column("again", sa.Boolean(), nullable=False, server_default=sa.false()),
    ):
        op.add_column("outbox_parked", column)
    op.execute("UPDATE outbox_parked SET kind = 'foreign' WHERE consumer = 'listener'")
    indices = {
        "ix_outbox_parked_oldest": ["consumer", "kind", "parked_at", "message_id"],
        "ix_outbox_parked_again": ["consumer", "topic", "again", "parked_at"],
    }
    for name, columns in indices.items():
        op.create_index((name), "outbox_parked", columns, unique=False)
