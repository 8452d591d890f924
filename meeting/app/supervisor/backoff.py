"""How long to wait before something that fell is started again."""

import random

from meeting.kernel.clock import Clock

FIRST_PAUSE = 0.5
LONGEST_PAUSE = 30.0
HEALTHY_SECONDS = 60.0
"""After standing this long, a fall counts as the first one again."""


class Backoff:
    """Pauses that double with each fall, and are spread, so that not all rise at one moment."""

    def __init__(self, clock: Clock, chance: random.Random | None = None) -> None:
        self._clock = clock
        self._chance = chance or random.Random()  # noqa: S311 - spreads, guards nothing
        self._longest = FIRST_PAUSE
        self._began = clock.monotonic()

    def began(self) -> None:
        """Note that it stands."""
        self._began = self._clock.monotonic()

    def fell(self) -> float:
        """Return the seconds to wait before the next start: between half and all of the pause."""
        if self._clock.monotonic() - self._began >= HEALTHY_SECONDS:
            self._longest = FIRST_PAUSE
        pause = self._longest * self._chance.uniform(0.5, 1)
        self._longest = min(self._longest * 2, LONGEST_PAUSE)
        return pause
