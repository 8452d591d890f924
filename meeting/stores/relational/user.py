"""The rows of the user domain on SQL."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    Index,
    Integer,
    String,
    Table,
    delete,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from meeting.domains.user.model import (
    Claim,
    Login,
    NewUser,
    Presence,
    Standing,
    Status,
    User,
    fold,
    taken,
)
from meeting.domains.user.ports import Credentials
from meeting.kernel.call import Role
from meeting.kernel.clock import Clock
from meeting.kernel.ids import Ids
from meeting.kernel.page import Found, Page
from meeting.kernel.secret import Secret
from meeting.stores.relational.credentials import CredentialRows
from meeting.stores.relational.database import metadata
from meeting.stores.relational.types import BigKey, Moment
from meeting.stores.relational.unit import SqlUnit
from meeting.stores.relational.upsert import upsert

users = Table(
    "users",
    metadata,
    Column("id", BigKey, primary_key=True, autoincrement=True),
    Column("username", String(50), nullable=False),
    Column("username_key", String(50), nullable=False, unique=True),
    Column("email", String(100), nullable=False),
    Column("email_key", String(200), nullable=False, unique=True),
    Column("password_hash", String(255), nullable=False),
    Column("nickname", String(50), nullable=False),
    Column("avatar", String(255), nullable=False),
    Column("phone", String(20), nullable=False),
    Column("role", Integer, nullable=False),
    Column("status", Integer, nullable=False),
    Column("last_login", Moment),
    Column("created_at", Moment, nullable=False),
    sqlite_autoincrement=True,  # an id is never given out twice
)

logins = Table(
    "user_logins",
    metadata,
    Column("id", BigKey, primary_key=True, autoincrement=True),
    Column("user_id", BigKey, nullable=False),
    Column("login_time", Moment, nullable=False),
    Column("ip_address", String(64), nullable=False),
    Index("ix_user_logins_newest", "user_id", "login_time", "id"),
    sqlite_autoincrement=True,
)

presence = Table(
    "user_presence",
    metadata,
    Column("user_id", BigKey, primary_key=True, autoincrement=False),
    Column("status", String(8), nullable=False),
    Column("changed_at", Moment, nullable=False),
    Column("last_seen", Moment),
)

mails = Table(
    "user_mails",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("mail_id", String(32), nullable=False),
    Column("task_id", String(64), nullable=False),
    Column("claimed_at", Moment, nullable=False),
    Column("sent_at", Moment),
)
"""Mails that were taken on, and since `sent_at` sent; neither address nor text."""


class SqlUserUnit(SqlUnit):
    """Satisfies `UserUnit`."""

    SOURCE = "user"

    def __init__(self, connection: AsyncConnection, clock: Clock, ids: Ids) -> None:
        super().__init__(connection, clock, ids)
        self.credentials: Credentials = CredentialRows(connection)

    async def add(self, user: NewUser) -> User:
        """Keep a new account under an id of its own; `exists` where name or address is taken."""
        row = msgspec.structs.asdict(user) | {
            "password_hash": user.password_hash.reveal(),
            "username_key": fold(user.username),
            "email_key": fold(user.email),
            "avatar": "",
        }
        try:
            done = await self.connection.execute(insert(users).values(**row).returning(users.c.id))
        except IntegrityError as error:
            raise taken("email" if "email_key" in str(error.orig) else "username") from error
        return User(id=done.scalar_one(), **msgspec.structs.asdict(user))

    async def by_id(self, user_id: int, *, lock: bool = False) -> User | None:
        """Return the account with an id; `lock` makes other writers of it wait for the commit."""
        wanted = select(users).where(users.c.id == user_id)
        found = await self.connection.execute(wanted.with_for_update() if lock else wanted)
        return _user(found.mappings().one_or_none())

    async def by_ids(self, ids: Collection[int]) -> Sequence[User]:
        """Return the accounts that there are of some ids, in any order."""
        found = await self.connection.execute(select(users).where(users.c.id.in_(ids)))
        return [_account(row) for row in found.mappings()]

    async def by_login(self, name: str) -> User | None:
        """Return the account with a user name or e-mail address; the two can't look alike."""
        key = fold(name)
        found = await self.connection.execute(
            select(users).where(or_(users.c.username_key == key, users.c.email_key == key))
        )
        return _user(found.mappings().one_or_none())

    async def seen(self, user_id: int, at: datetime) -> None:
        """Remember when an account was last logged in to."""
        await self.connection.execute(
            update(users).where(users.c.id == user_id).values(last_login=at)
        )

    async def appoint(self, user_id: int, role: Role) -> None:
        """Give an account a role."""
        await self.connection.execute(update(users).where(users.c.id == user_id).values(role=role))

    async def change(self, user: User) -> None:
        """Keep nickname, e-mail, phone and avatar as they are; `exists` where one is taken."""
        row = {name: getattr(user, name) for name in ("nickname", "email", "phone", "avatar")}
        changed = update(users).where(users.c.id == user.id)
        try:
            await self.connection.execute(changed.values(**row, email_key=fold(user.email)))
        except IntegrityError as error:
            raise taken("email") from error

    async def add_login(self, user_id: int, login: Login, keep: int) -> None:
        """Write a login down, and forget all of the user's but the newest `keep`."""
        row = {"user_id": user_id} | msgspec.structs.asdict(login)
        await self.connection.execute(insert(logins).values(**row))
        old = select(logins.c.id).where(logins.c.user_id == user_id)
        old = old.order_by(logins.c.login_time.desc(), logins.c.id.desc()).offset(keep)
        await self.connection.execute(delete(logins).where(logins.c.id.in_(old)))

    async def logins(self, user_id: int, page: Page) -> Found[Login]:
        """Return one page of a user's logins, the newest first."""
        own = logins.c.user_id == user_id
        total = await self.connection.scalar(select(func.count()).where(own)) or 0
        wanted = select(logins.c.login_time, logins.c.ip_address).where(own)
        wanted = wanted.order_by(logins.c.login_time.desc(), logins.c.id.desc())
        rows = await self.connection.execute(wanted.offset(page.offset).limit(page.size))
        return Found([Login(**row) for row in rows.mappings()], total)

    async def standing(self, user_id: int) -> Standing | None:
        """Return a user's presence; the account's row is what others wait at."""
        account = select(users.c.id).where(users.c.id == user_id).with_for_update()
        if (await self.connection.execute(account)).first() is None:
            return None
        found = await self.connection.execute(select(presence).where(presence.c.user_id == user_id))
        row = found.mappings().one_or_none()
        if row is None:
            return Standing(user_id=user_id)
        return Standing(**(dict(row) | {"status": Presence(row["status"])}))

    async def stand(self, standing: Standing) -> None:
        """Keep a presence."""
        row = msgspec.structs.asdict(standing) | {"status": standing.status.value}
        await self.connection.execute(
            upsert(self.connection, presence, row, keys=["user_id"], replace=True)
        )

    async def claim(self, claim: Claim, *, stale: datetime) -> Claim:
        """Take a mail on, unless somebody has since `stale`; return who has it."""
        row = msgspec.structs.asdict(claim)
        await self.connection.execute(
            upsert(self.connection, mails, row, keys=["key"], replace=False)
        )
        same = mails.c.key == claim.key
        left = update(mails).where(same, mails.c.sent_at.is_(None), mails.c.claimed_at < stale)
        await self.connection.execute(
            left.values(task_id=claim.task_id, claimed_at=claim.claimed_at)
        )
        found = await self.connection.execute(select(mails).where(same).with_for_update())
        return Claim(**found.mappings().one())

    async def sent(self, key: str, at: datetime) -> None:
        """Mark a mail as sent."""
        await self.connection.execute(update(mails).where(mails.c.key == key).values(sent_at=at))


def _user(row: Mapping[Any, Any] | None) -> User | None:
    return None if row is None else _account(row)


def _account(row: Mapping[Any, Any]) -> User:
    fields = {name: row[name] for name in User.__struct_fields__}
    fields["password_hash"] = Secret(fields["password_hash"])
    fields["role"] = Role(fields["role"])
    fields["status"] = Status(fields["status"])
    return User(**fields)
