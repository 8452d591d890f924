"""Time as a dependency, so that tests move it instead of waiting for it."""

import time
from datetime import UTC, datetime
from typing import Annotated, Protocol

from msgspec import Meta

At = Annotated[datetime, Meta(tz=True)]
"""A moment in what others write; without its zone, when it can't be compared, it can't be read."""


class Clock(Protocol):
    """Tells the time of day and measures spans."""

    def now(self) -> datetime:
        """Return the time of day in UTC, with its zone."""
        ...

    def monotonic(self) -> float:
        """Return seconds on a clock that never jumps; only differences mean anything."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """Return the time of day in UTC, with its zone."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Return seconds on a clock that never jumps."""
        return time.monotonic()


def rfc3339(moment: datetime) -> str:
    """Write a moment as the wire wants it: RFC 3339 in UTC, with a `Z`."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
