"""Events that were laid aside because their handler kept failing, as an operator sees them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import msgspec

from meeting.kernel.message import Message


class Parked(msgspec.Struct, frozen=True, kw_only=True):
    """One event that one consumer could not handle."""

    consumer: str
    message: Message
    error: str
    attempts: int
    parked_at: datetime
    again: bool
    """An operator wants it handled once more, and its consumer has not come to it yet."""


class Pile(msgspec.Struct, frozen=True, kw_only=True):
    """How many events of a topic a consumer has laid aside."""

    consumer: str
    topic: str
    events: int


class Aside(Protocol):
    """What lies aside, for whoever operates the house."""

    async def count(self) -> Sequence[Pile]:
        """Count what lies aside, by consumer and topic."""
        ...

    async def list(self, consumer: str, offset: int, limit: int) -> Sequence[Parked]:
        """Return what one consumer has laid aside, or with '' any, the longest ago first."""
        ...

    async def find(self, consumer: str, message_id: str) -> Parked | None:
        """Return one."""
        ...

    async def requeue(self, consumer: str, message_id: str = "") -> int:
        """Have a consumer handle one event once more, or all that it has; how many.

        That consumer alone: in one unit the event has its effect and lies aside no longer. It comes
        after what the consumer has handled since, so order is given up. All of them come before
        what is new on their topic, which waits for one commit each. Where it fails again, it stays
        aside. What nobody could read stays.
        """
        ...

    async def purge(self, consumer: str, message_id: str = "") -> int:
        """Throw one away, or all that a consumer has; how many."""
        ...
