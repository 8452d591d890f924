"""When something is said to have happened that a task reports."""

from datetime import UTC, datetime

from meeting.kernel.clock import Clock
from meeting.kernel.errors import invalid
from meeting.kernel.letter import Letter


def moment(said: datetime | None, letter: Letter, clock: Clock) -> datetime:
    """Return the moment, that of the letter where none is said; the future counts as now.

    Otherwise a task with a year of 9999 would have the last word for ever.
    """
    now = clock.now()
    try:
        if said is not None:
            found = said.astimezone(UTC)
        elif letter.timestamp:
            found = datetime.fromtimestamp(letter.timestamp, UTC)
        else:
            found = now
    except (OverflowError, ValueError):
        raise invalid("timestamp", "must lie in the years 1 to 9999") from None
    return min(found, now)
