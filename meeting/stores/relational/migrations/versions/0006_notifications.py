"""What users were told, and the nets that they log in from."""

import sqlalchemy as sa
from alembic import op

from meeting.stores.relational.types import BigKey, Moment

revision = "0006"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "notifications",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("user_id", BigKey, nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("content", sa.String(length=2000), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("filling", sa.JSON(none_as_null=True), nullable=True),
        sa.Column("key", sa.String(length=64), nullable=True),
        sa.Column("read", sa.Boolean(), nullable=False),
        sa.Column("owed", sa.Boolean(), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("pk_notifications")),
        sa.UniqueConstraint("user_id", "key", name=("uq_notifications_user_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(("ix_notifications_newest"), "notifications", ["user_id", "id"], unique=False)
    op.create_index(("ix_notifications_owed"), "notifications", ["owed", "id"], unique=False)
    op.create_table(
        "notification_nets",
        sa.Column("user_id", BigKey, autoincrement=False, nullable=False),
        sa.Column("net", sa.String(length=43), nullable=False),
        sa.Column("used_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("user_id", "net", name=("pk_notification_nets")),
    )
