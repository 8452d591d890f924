"""What the user domain announces."""

from datetime import datetime
from typing import Any, ClassVar, Literal

from meeting.kernel.message import Event

TOPIC = "user_events"


class UserProfileUpdated(Event, frozen=True, kw_only=True):
    """A profile has other values than before."""

    TYPE: ClassVar[str] = "user.profile_updated"
    TOPIC: ClassVar[str] = TOPIC
    user_id: int
    updates: dict[str, Any]
    """The present values of what changed; the nickname goes by `full_name`."""


class UserStatusChanged(Event, frozen=True, kw_only=True):
    """Somebody came or went, or is busy now."""

    TYPE: ClassVar[str] = "user.status_changed"
    TOPIC: ClassVar[str] = TOPIC
    user_id: int
    old_status: str
    new_status: str


class UserRevoked(Event, frozen=True, kw_only=True):
    """Tokens died before their time: close what they opened."""

    TYPE: ClassVar[str] = "user.revoked"
    TOPIC: ClassVar[str] = TOPIC
    user_id: int
    reason: Literal["logout", "ban", "password", "deleted"]
    jti: str = ""
    """The one token that died; empty: all of the user's tokens."""


class UserRegistered(Event, frozen=True, kw_only=True):
    """An account was made."""

    TYPE: ClassVar[str] = "user.registered"
    TOPIC: ClassVar[str] = TOPIC
    user_id: int
    username: str
    email: str
    registered_at: datetime


class UserLoggedIn(Event, frozen=True, kw_only=True):
    """Somebody logged in to an account."""

    TYPE: ClassVar[str] = "user.logged_in"
    TOPIC: ClassVar[str] = TOPIC
    user_id: int
    username: str
    login_time: datetime
    ip_address: str
