"""What lies where in Redis, and in which form."""

from collections.abc import Sequence

import msgspec

from meeting.kernel.message import Message

CHANNELS = ("user_events", "meeting_events", "media_events", "ai_events", "signaling_events")
"""The contract's channels."""
SILENT = ("signaling_rooms",)
"""What the house tells itself alone: carried, but never published."""
TOPICS = (*CHANNELS, *SILENT)
"""All that has a stream here."""
POSITION = "outbox:position"
"""How far the outbox has been carried here."""
GROWN = "outbox:grown"
"""The channel on which a relay says what it has just carried, to all processes of the house."""


def stream(topic: str) -> str:
    """Name the stream of a topic."""
    return f"{topic}:log"


class Carried(msgspec.Struct, frozen=True):
    """What a relay says on `GROWN`: whom to wake, and which PUBLISHes are our own."""

    topics: Sequence[str]
    ids: Sequence[str]


def published(message: Message) -> bytes:
    """Return an event as the contract wants it on its channel."""
    return msgspec.json.encode(
        {
            "type": message.type,
            "payload": message.payload,
            "timestamp": int(message.at.timestamp()),
            "source": message.source,
            "message_id": message.message_id,
        }
    )
