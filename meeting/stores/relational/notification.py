"""Rows of the notification domain: each user's history, and the nets that they log in from."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Index,
    Integer,
    RowMapping,
    String,
    Table,
    UniqueConstraint,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from meeting.domains.notification.model import KEPT, KNOWN, Draft, Notification, Owed
from meeting.kernel.clock import Clock
from meeting.kernel.ids import Ids
from meeting.kernel.page import Found
from meeting.stores.relational.database import metadata
from meeting.stores.relational.types import BigKey, Moment
from meeting.stores.relational.unit import SqlUnit
from meeting.stores.relational.upsert import upsert

notifications = Table(
    "notifications",
    metadata,
    Column("id", BigKey, primary_key=True, autoincrement=True),
    Column("user_id", BigKey, nullable=False),
    Column("type", String(32), nullable=False),
    Column("title", String(200), nullable=False),
    Column("content", String(2000), nullable=False),
    Column("data", JSON, nullable=False),
    Column("filling", JSON(none_as_null=True)),
    Column("key", String(64)),
    Column("read", Boolean, nullable=False),
    Column("owed", Boolean, nullable=False),
    Column("created_at", Moment, nullable=False),
    UniqueConstraint("user_id", "key"),
    Index("ix_notifications_newest", "user_id", "id"),
    Index("ix_notifications_owed", "owed", "id"),
    sqlite_autoincrement=True,  # an id is never given twice
)

nets = Table(
    "notification_nets",
    metadata,
    Column("user_id", BigKey, primary_key=True, autoincrement=False),
    Column("net", String(43), primary_key=True),
    Column("used_at", Moment, nullable=False),
)

mails = Table(
    "notification_mails",
    metadata,
    Column("notification_id", BigKey, primary_key=True, autoincrement=False),
    Column("mail_id", String(32), nullable=False, unique=True),
    Column("owner", String(128), nullable=False),
    Column("claimed_at", Moment, nullable=False),
    Column("not_before", Moment, nullable=False),
    Column("attempts", Integer, nullable=False),
)
"""Mails that are owed, with whom they were taken on by and how often the server put them off;
neither address nor text."""

_shown = [column for column in notifications.c if column.name in Notification.__struct_fields__]


class SqlNotificationUnit(SqlUnit):
    """Satisfies `NotificationUnit`."""

    SOURCE = "notification"

    def __init__(
        self, connection: AsyncConnection, clock: Clock, ids: Ids, kept: int = KEPT
    ) -> None:
        """`kept`: how many of each user's history are left when one is added."""
        super().__init__(connection, clock, ids)
        self._kept = kept
        self.owes = False

    async def add(self, user_id: int, draft: Draft, *, push: bool, mail: bool = False) -> bool:
        """Put a draft at the head of a history and forget what is too long ago."""
        row = {
            "user_id": user_id,
            "type": draft.type,
            "title": draft.title,
            "content": draft.content,
            "data": draft.data,
            "filling": draft.filling,
            "key": draft.key or None,
            "read": False,
            "owed": push,
            "created_at": self.clock.now(),
        }
        adding = upsert(self.connection, notifications, row, keys=["user_id", "key"], replace=False)
        added = await self.connection.execute(adding.returning(notifications.c.id))
        if (notification_id := added.scalar_one_or_none()) is None:
            return False
        self.owes |= push
        if mail:
            await self.connection.execute(
                insert(mails).values(
                    notification_id=notification_id,
                    mail_id=self.ids.new(),
                    owner="",
                    claimed_at=self.clock.now(),
                    not_before=self.clock.now(),
                    attempts=0,
                )
            )
        mine = notifications.c.user_id == user_id
        oldest = (
            select(notifications.c.id)
            .where(mine)
            .order_by(notifications.c.id.desc())
            .offset(self._kept)
            .limit(1)
            .scalar_subquery()
        )
        await self.connection.execute(
            delete(notifications).where(mine, notifications.c.id <= oldest)
        )
        return True

    async def listed(
        self, user_id: int, *, type_: str, limit: int, offset: int
    ) -> Found[Notification]:
        """Return a user's history, or what is of one type in it, the newest first."""
        wanted = [notifications.c.user_id == user_id]
        if type_:
            wanted.append(notifications.c.type == type_)
        total = await self.connection.scalar(
            select(func.count()).select_from(notifications).where(*wanted)
        )
        rows = await self.connection.execute(
            select(*_shown)
            .where(*wanted)
            .order_by(notifications.c.id.desc())
            .offset(offset)
            .limit(limit)
        )
        return Found([_notification(row) for row in rows.mappings()], total or 0)

    async def read(self, user_id: int, notification_id: int) -> Notification | None:
        """Note that a user has read one of theirs, and return it; None where it is not theirs."""
        done = await self.connection.execute(
            update(notifications)
            .where(notifications.c.id == notification_id, notifications.c.user_id == user_id)
            .values(read=True)
            .returning(*_shown)
        )
        row = done.mappings().one_or_none()
        return None if row is None else _notification(row)

    async def owed(self, limit: int) -> Sequence[Notification]:
        """Return those whose frame is owed, the oldest first."""
        rows = await self.connection.execute(
            select(*_shown)
            .where(notifications.c.owed.is_(True))
            .order_by(notifications.c.id)
            .limit(limit)
        )
        return [_notification(row) for row in rows.mappings()]

    async def paid(self, ids: Collection[int]) -> None:
        """Owe no frame for these any more."""
        await self.connection.execute(
            update(notifications).where(notifications.c.id.in_(ids)).values(owed=False)
        )

    async def claim(self, owner: str, limit: int, *, stale: datetime) -> Sequence[Owed]:
        """Take mails on that are due and nobody else has since `stale`; also the owner's."""
        due = mails.c.not_before <= self.clock.now()
        free = or_(mails.c.owner.in_(("", owner)), mails.c.claimed_at < stale)
        wanted = select(mails.c.notification_id).where(due, free).order_by(mails.c.notification_id)
        found = await self.connection.execute(wanted.limit(limit).with_for_update(skip_locked=True))
        taken = mails.c.notification_id.in_(list(found.scalars()))
        await self.connection.execute(
            update(mails).where(taken).values(owner=owner, claimed_at=self.clock.now())
        )
        rows = await self.connection.execute(
            select(*_shown, mails.c.mail_id, mails.c.attempts)
            .join(mails, mails.c.notification_id == notifications.c.id)
            .where(taken)
            .order_by(notifications.c.id)
        )
        owed = [_owed(row) for row in rows.mappings()]
        alive = [each.notification.id for each in owed]
        await self.connection.execute(
            delete(mails).where(taken, mails.c.notification_id.not_in(alive))
        )
        return owed

    async def mailed(self, mail_id: str) -> None:
        """Owe a mail no longer."""
        await self.connection.execute(delete(mails).where(mails.c.mail_id == mail_id))

    async def put_off(self, mail_id: str, until: datetime) -> None:
        """Let a mail wait, and count it."""
        await self.connection.execute(
            update(mails)
            .where(mails.c.mail_id == mail_id)
            .values(owner="", not_before=until, attempts=mails.c.attempts + 1)
        )

    async def nets(self, user_id: int) -> Collection[str]:
        """Return the nets that a user is known to log in from."""
        rows = await self.connection.execute(select(nets.c.net).where(nets.c.user_id == user_id))
        return set(rows.scalars())

    async def remember(self, user_id: int, net: str) -> None:
        """Note that a user logged in from a net just now, and forget those used too long ago."""
        row = {"user_id": user_id, "net": net, "used_at": self.clock.now()}
        await self.connection.execute(
            upsert(self.connection, nets, row, keys=["user_id", "net"], replace=True)
        )
        mine = nets.c.user_id == user_id
        last = select(nets.c.net).where(mine).order_by(nets.c.used_at.desc()).limit(KNOWN)
        await self.connection.execute(delete(nets).where(mine, nets.c.net.not_in(last)))


def _owed(row: RowMapping) -> Owed:
    fields = dict(row)
    mail_id, attempts = fields.pop("mail_id"), fields.pop("attempts")
    told = Notification(**(fields | {"key": row["key"] or ""}))
    return Owed(notification=told, mail_id=mail_id, attempts=attempts)


def _notification(row: RowMapping) -> Notification:
    return Notification(**(dict(row) | {"key": row["key"] or ""}))
