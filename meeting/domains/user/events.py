"""What the user domain announces."""

from typing import Any, ClassVar, Literal

from meeting.kernel.clock import At
from meeting.kernel.message import Event

TOPIC = "user_events"


class UserRevoked(Event, frozen=True, kw_only=True):
    """Tokens died before their time: close what they opened."""

    TYPE: ClassVar[str] = "user.revoked"
    TOPIC: ClassVar[str] = TOPIC
    user_id: int
    reason: Literal["logout", "ban", "password", "deleted"]
    jti: str = ""
    """The one token that died; empty: all of the user's tokens."""


class UserRegistered(Event, frozen=True, kw_only=True):
    """There is a new account."""

    TYPE: ClassVar[str] = "user.registered"
    TOPIC: ClassVar[str] = TOPIC
    user_id: int
    username: str
    email: str
    registered_at: At


class UserLoggedIn(Event, frozen=True, kw_only=True):
    """Somebody logged in."""

    TYPE: ClassVar[str] = "user.logged_in"
    TOPIC: ClassVar[str] = TOPIC
    user_id: int
    username: str
    login_time: At
    ip_address: str


class UserStatusChanged(Event, frozen=True, kw_only=True):
    """Somebody's presence is another: online, away, busy or offline."""

    TYPE: ClassVar[str] = "user.status_changed"
    TOPIC: ClassVar[str] = TOPIC
    user_id: int
    old_status: str
    new_status: str


class UserProfileUpdated(Event, frozen=True, kw_only=True):
    """These fields of an account are now so."""

    TYPE: ClassVar[str] = "user.profile_updated"
    TOPIC: ClassVar[str] = TOPIC
    user_id: int
    updates: dict[str, Any]
    """Of full_name, avatar, username, email, phone those that were named."""
