"""The mails that notifications owe."""

import sqlalchemy as sa
from alembic import op

from meeting.stores.relational.types import BigKey, Moment

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "notification_mails",
        sa.Column("notification_id", BigKey, autoincrement=False, nullable=False),
        sa.Column("mail_id", sa.String(length=32), nullable=False),
        sa.Column("owner", sa.String(length=128), nullable=False),
        sa.Column("claimed_at", Moment(), nullable=False),
        sa.Column("not_before", Moment(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("notification_id", name=("pk_notification_mails")),
        sa.UniqueConstraint("mail_id", name=("uq_notification_mails_mail_id")),
    )
