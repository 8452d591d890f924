"""Events as typed structs, and the message that carries one through outbox, log and Pub/Sub."""

from datetime import datetime
from typing import Any, ClassVar, Literal, Self

import msgspec

from meeting.kernel.clock import Clock
from meeting.kernel.ids import Ids
from meeting.kernel.letter import Letter


class Event(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=False):
    """Base of all events: a subclass names its `TYPE` and `TOPIC`, its fields are the payload."""

    TYPE: ClassVar[str]
    TOPIC: ClassVar[str]

    @classmethod
    def read(cls, message: "Message") -> Self:
        """Take the event out of a message; `msgspec.ValidationError` where it is none."""
        return msgspec.convert(message.payload, type=cls, strict=False)


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """What the outbox keeps and the log gives back, events and tasks alike."""

    type: str
    payload: dict[str, Any]
    at: datetime
    source: str
    """The domain that wrote it."""
    message_id: str
    kind: Literal["event", "task", "foreign"] = "event"
    """Foreign: an event that came in by a PUBLISH of somebody else, and is not published again."""
    topic: str = ""
    """The channel of an event (`user_events` …) or the queue of a task."""

    @classmethod
    def of(cls, event: Event, source: str, clock: Clock, ids: Ids) -> "Message":
        """Wrap an event for the outbox of the domain `source`."""
        return cls(
            type=event.TYPE,
            payload=msgspec.to_builtins(event, str_keys=True),
            at=clock.now(),
            source=source,
            message_id=ids.new(),
            topic=event.TOPIC,
        )

    @classmethod
    def posted(cls, queue: str, letter: Letter, clock: Clock) -> "Message":
        """Wrap a task for the outbox: the payload is the whole letter, as it is to lie there."""
        return cls(
            type=letter.type,
            payload=msgspec.to_builtins(letter),
            at=clock.now(),
            source=letter.source,
            message_id=letter.id,
            kind="task",
            topic=queue,
        )


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """A message at its place in the log, as one consumer sees it.

    Cursors are opaque: only the feed that made one can read it. `before` is where the consumer
    stands, `after` where it stands once the entry has had its effect; of a `parked` one both are
    empty.
    """

    consumer: str
    topic: str
    before: str
    after: str
    message: Message
    parked: bool = False
    """It was laid aside and an operator wants it handled again; the cursor stays where it is."""


class Raced(Exception):
    """A cursor stands elsewhere than thought: another reader has had the entry."""


class Behind(msgspec.Struct, frozen=True, kw_only=True):
    """How many events are ahead of a consumer on a topic."""

    consumer: str
    topic: str
    events: int
