"""A clock that stands still until a test moves it."""

from datetime import UTC, datetime, timedelta


class MovingClock:
    """Satisfies `Clock`; begins at noon of a day."""

    def __init__(self) -> None:
        self._now = datetime(2026, 11, 24, 12, tzinfo=UTC)
        self._monotonic = 1000.0

    def now(self) -> datetime:
        """Return the time of day in UTC."""
        return self._now

    def monotonic(self) -> float:
        """Return seconds that only `move` adds to."""
        return self._monotonic

    def move(self, span: timedelta) -> None:
        """Let time pass."""
        self._now += span
        self._monotonic += span.total_seconds()
