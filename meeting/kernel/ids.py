"""Names of things: random ids for what is made here, and the room that belongs to a meeting."""

import re
import secrets
from typing import Protocol

MAX_ID = 2**32 - 2
"""User and meeting ids are integers from 1 to this; the number above it is the recorder's."""

_ID = re.compile(r"[1-9][0-9]{0,9}")
_ROOM = re.compile(r"(?:room_)?([1-9][0-9]{0,9})(?:_[A-Za-z0-9_-]{1,64})?")


class Ids(Protocol):
    """Makes ids that nobody can guess."""

    def new(self, prefix: str = "") -> str:
        """Return `<prefix><32 hex>`."""
        ...


class RandomIds:
    """Ids from the system's random source."""

    def new(self, prefix: str = "") -> str:
        """Return `<prefix><32 hex>`."""
        return prefix + secrets.token_hex(16)


def id_of(text: str) -> int | None:
    """Read an id of a user or a meeting, written plainly; None where it can be none."""
    return int(text) if _ID.fullmatch(text) and int(text) <= MAX_ID else None


def room_of(meeting_id: int) -> str:
    """Name the room of a meeting."""
    return f"room_{meeting_id}"


def meeting_of(room: str) -> int | None:
    """Read the meeting out of `room_7`, `7` or `room_7_suffix`; None where it names no meeting."""
    match = _ROOM.fullmatch(room)
    if match is None or (not room.startswith("room_") and "_" in room):
        return None
    return id_of(match[1])
