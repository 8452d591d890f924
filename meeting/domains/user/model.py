"""Accounts and the credentials given out for them, as values, with the rules on them."""

import hashlib
from datetime import datetime, timedelta
from enum import IntEnum, StrEnum

import msgspec

from meeting.domains.user.api import Person
from meeting.kernel.call import Caller, Role
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.secret import Secret
from meeting.kernel.word import Word

REFRESH_LIFE = timedelta(days=30)


class Status(IntEnum):
    """Whether an account may be used."""

    INACTIVE = 0
    ACTIVE = 1
    BANNED = 2


class Presence(StrEnum):
    """Whether somebody is there."""

    ONLINE = "online"
    AWAY = "away"
    BUSY = "busy"
    OFFLINE = "offline"


class NewUser(msgspec.Struct, frozen=True, kw_only=True):
    """An account that is about to be."""

    username: str
    email: str
    password_hash: Secret
    nickname: str = ""
    phone: str = ""
    role: Role = Role.USER
    status: Status = Status.ACTIVE
    created_at: datetime


class User(NewUser, frozen=True, kw_only=True):
    """An account."""

    id: int
    avatar: str = ""
    last_login: datetime | None = None

    role_name = Word("role")
    status_name = Word("status")

    @property
    def called(self) -> str:
        """Return what to call its owner."""
        return self.nickname or self.username

    def enter(self) -> None:
        """Refuse an account that may not be used; asked after its password, never before."""
        if self.status is Status.BANNED:
            raise Fault(Kind.FORBIDDEN, "this account is banned; ask an administrator")
        if self.status is not Status.ACTIVE:
            raise Fault(Kind.FORBIDDEN, "this account is not active; ask an administrator")

    def shown_to(self, caller: Caller) -> Person:
        """Show the account: whole to services and to itself, else who it is and no more."""
        whole = caller.is_service or caller.user_id == self.id
        return Person(
            id=self.id,
            username=self.username,
            full_name=self.nickname,
            email=self.email if whole else "",
            status=self.status_name if whole else "",
            created_at=self.created_at if whole else None,
        )


class Refresh(msgspec.Struct, frozen=True, kw_only=True):
    """A refresh token as it is kept: never the token, only its digest.

    All tokens that came from one login are a family; the access token that was given out beside
    this one dies with it.
    """

    digest: str
    user_id: int
    family: str
    jti: str
    access_until: datetime
    expires_at: datetime
    used: bool = False
    """Spent, or ended with its family."""


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the login log."""

    login_time: datetime
    ip_address: str
    """Empty where it is not known."""


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's presence as it stands."""

    user_id: int
    status: Presence = Presence.OFFLINE
    changed_at: datetime | None = None
    """None: nobody has ever said anything."""
    last_seen: datetime | None = None
    """The last moment that they are known to have been there."""

    def after(self, status: Presence, at: datetime) -> "Standing":
        """Return what stands after a word of that moment; an equal or newer one stays."""
        if self.changed_at is not None and at <= self.changed_at:
            return self
        there = Presence.OFFLINE is not self.status or Presence.OFFLINE is not status
        return Standing(
            user_id=self.user_id,
            status=status,
            changed_at=at,
            last_seen=at if there else self.last_seen,
        )


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """A mail that a task has taken on: nobody else sends it, nor it under another id."""

    key: str
    mail_id: str
    task_id: str
    claimed_at: datetime
    sent_at: datetime | None = None


def fold(name: str) -> str:
    """Return what makes a name or an e-mail address unique: its case does not."""
    return name.strip().casefold()


def digest(token: str) -> str:
    """Return what is kept of an opaque token; it is random enough to need no salt."""
    return hashlib.sha256(token.encode()).hexdigest()


def taken(field: str) -> Fault:
    """Refuse a name or an address that an account has already."""
    return Fault(
        Kind.EXISTS, "{field} is taken; choose another", details={field: "is taken"}, field=field
    )
