"""Holds are numbered by the database: a fence rises over holds that left no row."""

import sqlalchemy as sa
from alembic import op

from meeting.stores.relational.types import BigKey, Exact, Moment

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Make the table anew around its rows: a hold that went would leave a seat taken for ever."""
    op.execute("CREATE TABLE leases_kept AS SELECT key, owner, expires_at, value FROM leases")
    op.drop_table("leases")
    op.create_table(
        "leases",
        sa.Column("fence", BigKey, autoincrement=True, nullable=False),
        sa.Column("key", Exact(200), nullable=False),
        sa.Column("owner", sa.String(length=64), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("value", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("fence", name=("pk_leases")),
        sa.UniqueConstraint("key", name=("uq_leases_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(("ix_leases_expires_at"), "leases", ["expires_at"], unique=False)
    op.execute(
        "INSERT INTO leases (key, owner, expires_at, value)"
        " SELECT key, owner, expires_at, value FROM leases_kept"
    )
    op.drop_table("leases_kept")
