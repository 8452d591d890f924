"""A clock that stands until a test moves it."""

from datetime import UTC, datetime, timedelta

START = datetime(2026, 1, 5, 9, 0, tzinfo=UTC)


class MovingClock:
    """Tells the time that the test has set, and measures spans by the same time."""

    def __init__(self, start: datetime = START) -> None:
        self._now = start
        self._spent = 0.0

    def now(self) -> datetime:
        """Return the time of day in UTC."""
        return self._now

    def monotonic(self) -> float:
        """Return the seconds that were moved so far."""
        return self._spent

    def move(self, seconds: float) -> None:
        """Let time pass."""
        self._now += timedelta(seconds=seconds)
        self._spent += seconds
