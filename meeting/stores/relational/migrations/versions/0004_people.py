"""What the user domain keeps of logins, presence and mails."""

import sqlalchemy as sa
from alembic import op

from meeting.stores.relational.types import BigKey, Moment

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "user_logins",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("user_id", BigKey, nullable=False),
        sa.Column("login_time", Moment(), nullable=False),
        sa.Column("ip_address", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("pk_user_logins")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        ("ix_user_logins_newest"), "user_logins", ["user_id", "login_time", "id"], unique=False
    )
    op.create_table(
        "user_presence",
        sa.Column("user_id", BigKey, autoincrement=False, nullable=False),
        sa.Column("status", sa.String(length=8), nullable=False),
        sa.Column("changed_at", Moment(), nullable=False),
        sa.Column("last_seen", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("user_id", name=("pk_user_presence")),
    )
    op.create_table(
        "user_mails",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("mail_id", sa.String(length=32), nullable=False),
        sa.Column("task_id", sa.String(length=64), nullable=False),
        sa.Column("claimed_at", Moment(), nullable=False),
        sa.Column("sent_at", Moment(), nullable=True),
        sa.PrimaryKeyConstraint("key", name=("pk_user_mails")),
    )
