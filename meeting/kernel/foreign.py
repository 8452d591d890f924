"""Events that others PUBLISH: read with suspicion, and named so that each counts once."""

import hashlib
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from meeting.kernel.letter import Moment, Unreadable
from meeting.kernel.message import Message
from meeting.kernel.nesting import shallow

LONGEST = 2**20
"""Bytes of one message."""
SKEW = timedelta(minutes=10)
"""How far back a message may date itself: it is kept from then on, and known again as long."""
KEPT_BYTES = 4096
"""How much of an unreadable message is shown to whoever looks at it."""

_Word = Annotated[str, Meta(min_length=1, max_length=64, pattern=r"^[\x20-\x7e]+$")]


class _Foreign(msgspec.Struct, frozen=True):
    type: _Word
    payload: dict[str, Any]
    timestamp: Moment | None = None
    source: Annotated[str, Meta(max_length=32, pattern=r"^[\x20-\x7e]*$")] = ""
    message_id: _Word | None = None


_decoder = msgspec.json.Decoder(_Foreign, strict=False)


def name(raw: bytes) -> str:
    """Name a message that names itself not: the same text is the same message."""
    return hashlib.sha256(raw).hexdigest()


def read(topic: str, raw: bytes, now: datetime) -> Message:
    """Read what was published on a channel; `Unreadable` says why it is no event."""
    if len(raw) > LONGEST:
        raise Unreadable(f"longer than {LONGEST} bytes")
    if not shallow(raw):
        raise Unreadable("nested too deep, or its brackets do not match")
    try:
        found = _decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Unreadable(str(error)[:500]) from None
    at = now if found.timestamp is None else datetime.fromtimestamp(found.timestamp, tz=UTC)
    return Message(
        type=found.type,
        payload=found.payload,
        at=min(max(at, now - SKEW), now),
        source=found.source,
        message_id=found.message_id or name(raw),
        kind="foreign",
        topic=topic,
    )


class Stray(msgspec.Struct, frozen=True):
    """A message that can't be read, as it is laid aside."""

    topic: str
    message_id: str
    text: str
    error: str

    @classmethod
    def of(cls, topic: str, raw: bytes, error: str) -> "Stray":
        """Keep the beginning of a message, and why it is no event."""
        text = raw[:KEPT_BYTES].decode(errors="backslashreplace")
        return cls(topic, name(raw), text, error)
