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
        "ai_tasks",
        sa.Column("task_id", sa.String(length=128), nullable=False),
        sa.Column("analysis_type", sa.String(length=32), nullable=False),
        sa.Column("segment", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("meeting_id", BigKey, nullable=False),
        sa.Column("user_id", BigKey, nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("result", sa.JSON(), nullable=False),
        sa.Column("confidence", sa.Float(), nullable=False),
        sa.Column("model", sa.String(length=128), nullable=False),
        sa.Column("model_sha256", sa.String(length=64), nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("task_id", "analysis_type", "segment", name=("pk_ai_tasks")),
    )
    op.create_index(("ix_ai_tasks_meeting_id"), "ai_tasks", ["meeting_id"], unique=False)
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
        "idempotency_answers",
        sa.Column("user_id", BigKey, autoincrement=False, nullable=False),
        sa.Column("path", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("owner", sa.String(length=32), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("user_id", "path", "key", name=("pk_idempotency_answers")),
    )
    op.create_index(
        ("ix_idempotency_answers_expires_at"), "idempotency_answers", ["expires_at"], unique=False
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
        "meetings",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("title", sa.String(length=100), nullable=False),
        sa.Column("description", sa.String(length=500), nullable=False),
        sa.Column("creator_id", BigKey, nullable=False),
        sa.Column("start_time", Moment(), nullable=False),
        sa.Column("end_time", Moment(), nullable=False),
        sa.Column("actual_start_time", Moment(), nullable=True),
        sa.Column("actual_end_time", Moment(), nullable=True),
        sa.Column("max_participants", sa.Integer(), nullable=False),
        sa.Column("meeting_type", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("version", BigKey, nullable=False),
        sa.Column("created_at", Moment(), nullable=False),
        sa.Column("updated_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("pk_meetings")),
        sqlite_autoincrement=True,
    )
    op.create_index(("ix_meetings_creator_id"), "meetings", ["creator_id"], unique=False)
    op.create_index(("ix_meetings_start_time"), "meetings", ["start_time"], unique=False)
    op.create_index(("ix_meetings_status"), "meetings", ["status"], unique=False)
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
    op.create_table(
        "signaling_rooms",
        sa.Column("room_id", sa.String(length=64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("room_id", name=("pk_signaling_rooms")),
    )
    op.create_table(
        "signaling_tickets",
        sa.Column("jti", sa.String(length=64), nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("jti", name=("pk_signaling_tickets")),
    )
    op.create_index(("ix_signaling_tickets_until"), "signaling_tickets", ["until"], unique=False)
    op.create_table(
        "user_refresh_tokens",
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("user_id", BigKey, nullable=False),
        sa.Column("family", sa.String(length=32), nullable=False),
        sa.Column("jti", sa.String(length=32), nullable=False),
        sa.Column("access_until", Moment(), nullable=False),
        sa.Column("expires_at", Moment(), nullable=False),
        sa.Column("used", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=("pk_user_refresh_tokens")),
    )
    op.create_index(
        ("ix_user_refresh_tokens_family"), "user_refresh_tokens", ["family"], unique=False
    )
    op.create_index(("ix_user_refresh_tokens_jti"), "user_refresh_tokens", ["jti"], unique=False)
    op.create_index(
        ("ix_user_refresh_tokens_user_id"), "user_refresh_tokens", ["user_id"], unique=False
    )
    op.create_table(
        "user_revocations",
        sa.Column("jti", sa.String(length=32), nullable=False),
        sa.Column("user_id", BigKey, nullable=False),
        sa.Column("until", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("jti", name=("pk_user_revocations")),
    )
    op.create_index(("ix_user_revocations_user_id"), "user_revocations", ["user_id"], unique=False)
    op.create_table(
        "users",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("username", sa.String(length=50), nullable=False),
        sa.Column("username_key", sa.String(length=50), nullable=False),
        sa.Column("email", sa.String(length=100), nullable=False),
        sa.Column("email_key", sa.String(length=200), nullable=False),
        sa.Column("password_hash", sa.String(length=255), nullable=False),
        sa.Column("nickname", sa.String(length=50), nullable=False),
        sa.Column("avatar", sa.String(length=255), nullable=False),
        sa.Column("phone", sa.String(length=20), nullable=False),
        sa.Column("role", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("last_login", Moment(), nullable=True),
        sa.Column("created_at", Moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=("pk_users")),
        sa.UniqueConstraint("email_key", name=("uq_users_email_key")),
        sa.UniqueConstraint("username_key", name=("uq_users_username_key")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "meeting_creations",
        sa.Column("creator_id", BigKey, autoincrement=False, nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.Column("meeting_id", BigKey, nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column("at", Moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["meeting_id"], ["meetings.id"], name=("fk_meeting_creations_meeting_id")
        ),
        sa.PrimaryKeyConstraint("creator_id", "key", name=("pk_meeting_creations")),
    )
    op.create_index(("ix_meeting_creations_at"), "meeting_creations", ["at"], unique=False)
    op.create_table(
        "meeting_participants",
        sa.Column("id", BigKey, autoincrement=True, nullable=False),
        sa.Column("meeting_id", BigKey, nullable=False),
        sa.Column("user_id", BigKey, nullable=False),
        sa.Column("username", sa.String(length=50), nullable=False),
        sa.Column("full_name", sa.String(length=50), nullable=False),
        sa.Column("role", sa.Integer(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("joined_at", Moment(), nullable=True),
        sa.Column("left_at", Moment(), nullable=True),
        sa.Column("arrived_at", Moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["meeting_id"], ["meetings.id"], name=("fk_meeting_participants_meeting_id")
        ),
        sa.PrimaryKeyConstraint("id", name=("pk_meeting_participants")),
        sa.UniqueConstraint("meeting_id", "user_id", name=("uq_meeting_participants_meeting_id")),
        sqlite_autoincrement=True,
    )
    op.create_index(
        ("ix_meeting_participants_user_id"), "meeting_participants", ["user_id"], unique=False
    )
