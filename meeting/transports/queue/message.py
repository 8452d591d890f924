"""Messages as they lie in Redis: made complete before they are laid, read with some patience."""

import math
from typing import Any

import msgspec

from meeting.kernel.clock import Clock
from meeting.kernel.ids import Ids
from meeting.kernel.lane import Lane
from meeting.kernel.letter import Letter, Unreadable, read
from meeting.kernel.nesting import shallow

LISTS = ("low", "normal", "high", "critical", "")
"""Names of the lists behind the queue's, in the order in which the scripts count them."""
BARE = 4


def complete(letter: Letter, clock: Clock, ids: Ids) -> Letter:
    """Return the letter with the id and the moment that it may lack."""
    if letter.id and letter.timestamp:
        return letter
    now = int(clock.now().timestamp())
    return msgspec.structs.replace(
        letter, id=letter.id or ids.new(), timestamp=letter.timestamp or now
    )


def words(letter: Letter) -> tuple[str | bytes | int, ...]:
    """Return what the script `lay` wants to know of a complete letter."""
    due = math.ceil(letter.not_before * 1000)
    return letter.id, int(letter.lane), letter.key, due, letter.write()


def lane(place: int) -> Lane:
    """Return the lane that a list is of; the bare one is read as normal."""
    return Lane.NORMAL if place == BARE else Lane(place)


def opened(raw: bytes) -> Letter:
    """Read a message; of a name that stands twice the last counts, as everywhere else.

    So does the id that was written behind one that is none (null, a number, too long).
    """
    try:
        return read(raw)
    except Unreadable:
        if (single := _single(raw)) is None:
            raise
        return read(single)


def _single(raw: bytes) -> bytes | None:
    """Return a message with each name once; None where it is no object."""
    try:
        found: Any = msgspec.json.decode(raw) if shallow(raw) else None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    return msgspec.json.encode(found) if isinstance(found, dict) else None
