"""Names of things: random ids for what is made here, and the room that belongs to a meeting."""

import re
import secrets
from typing import Protocol

MAX_ID = 2**32 - 2
"""User and meeting ids are integers from 1 to this; the number above it is the recorder's."""

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


def room_of(meeting_id: int) -> str:
    """Name the room of a meeting."""
    return f"room_{meeting_id}"


def meeting_of(room: str) -> int | None:
    """Read the meeting out of `room_7`, `7` or `room_7_suffix`; None where it names no meeting."""
    match = _ROOM.fullmatch(room)
    if match is None or (not room.startswith("room_") and "_" in room):
        return None
    number = int(match[1])
    return number if number <= MAX_ID else None
