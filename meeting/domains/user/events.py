"""What the user domain announces."""

from typing import ClassVar, Literal

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
