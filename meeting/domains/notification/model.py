"""Notifications as values, and the bounds that they are held to."""

import re
from datetime import datetime
from typing import Any

import msgspec

from meeting.kernel.errors import invalid
from meeting.kernel.nesting import MAX_DEPTH, shallow
from meeting.text import fill

KEPT = 1000
"""How long the history of one user is, unless set; older ones are forgotten."""
KNOWN = 100
"""How many nets are remembered of one user: those that were used last."""
TYPE = re.compile(r"[a-z_]{1,32}")
DATA_BYTES = 8 * 1024
_PLAIN = re.compile(r"[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]*")
_BOUNDS = {"title": 200, "content": 2000}


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody is to be told."""

    type: str
    title: str
    content: str
    data: Any = msgspec.field(default_factory=dict)
    """JSON for programs, so that a page can say it in words of its own."""
    filling: dict[str, str] | None = None
    """Values of the names in title and content, which are templates then and can be translated;
    None where they are somebody's own words."""
    key: str = ""
    """While the history holds one with this key, there is no second; empty: no matter."""

    def __post_init__(self) -> None:
        typed("type", self.type)
        for name, most in _BOUNDS.items():
            text = getattr(self, name)
            if len(text) > most:
                raise invalid(name, f"must have at most {most} characters")
            if not _PLAIN.fullmatch(text):
                raise invalid(name, "must be text without control characters")
        encoded = msgspec.json.encode(self.data)
        if len(encoded) > DATA_BYTES:
            raise invalid("data", f"must have at most {DATA_BYTES} bytes")
        if not shallow(encoded):
            raise invalid("data", f"may be {MAX_DEPTH} levels deep")


class Notification(Draft, frozen=True, kw_only=True):
    """What somebody was told."""

    id: int
    user_id: int
    read: bool
    created_at: datetime

    def said(self, tongue: str) -> tuple[str, str]:
        """Return title and content in a language of ours, or in whichever somebody wrote them."""
        if self.filling is None:
            return self.title, self.content
        return fill(self.title, self.filling, tongue), fill(self.content, self.filling, tongue)


class Owed(msgspec.Struct, frozen=True, kw_only=True):
    """A mail that somebody has taken on."""

    notification: Notification
    mail_id: str
    """The same at every attempt."""
    attempts: int
    """How often the mail server has put it off."""


def typed(field: str, value: str) -> str:
    """Read the type of a notification."""
    if not TYPE.fullmatch(value):
        raise invalid(field, "must be 1 to 32 of a-z _")
    return value
