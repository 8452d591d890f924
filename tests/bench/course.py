"""An open loop: events at times that are fixed in advance, and what became of each.

Who is late does not put off what comes after: all that is due goes into the next commit, so that
a slow commit shows as lateness and as a larger commit, never as a lower rate that nobody asked for.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence

import msgspec

from tests.bench.ratio import percentile

LARGEST = 100
"""Events that go into one commit at most."""

Put = Callable[[Sequence[int]], Awaitable[None]]
"""Appends events in one commit, and returns when it has."""


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What came out of one course; times in milliseconds, rates a second."""

    p50: float
    p99: float
    late50: float
    """From an event's place in the schedule until its COMMIT returned."""
    late99: float
    appended: float
    handled: float
    together: float
    """Events a commit."""


class Course:
    """So many events at a rate, numbered from 0; what is handled is told by its number.

    An event's time counts from the moment at which its COMMIT returned, or `from_call`: from the
    moment at which it was asked for.
    """

    def __init__(
        self,
        number: int,
        rate: float,
        *,
        from_call: bool = False,
        now: Callable[[], float] = time.perf_counter,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.number = number
        self.left = number
        self.done = asyncio.Event()
        self._rate = rate
        self._from_call = from_call
        self._now = now
        self._pause = pause
        self._begun = 0.0
        self._commits = 0
        self._called = [math.nan] * number
        self._committed = [math.nan] * number
        self._handled = [math.nan] * number

    async def send(self, put: Put) -> None:
        """Append each event when it is due, or as soon after as the commits before it allow."""
        self._begun = self._now()
        first = 0
        while first < self.number:
            now, last = self._now(), first
            while last < min(self.number, first + LARGEST) and self._due(last) <= now:
                last += 1
            if last == first:
                await self._pause(self._due(first) - now)
                continue
            self._called[first:last] = [now] * (last - first)
            await put(range(first, last))
            self._committed[first:last] = [self._now()] * (last - first)
            self._commits += 1
            first = last

    def hit(self, number: int) -> None:
        """Note that an event has been handled, which is to happen once."""
        if not math.isnan(self._handled[number]):
            raise ValueError(f"event {number} came twice")
        self._handled[number] = self._now()
        self.left -= 1
        if not self.left:
            self.done.set()

    def measured(self) -> Measured:
        """Sum up a course of which all has been sent and handled."""
        since = self._called if self._from_call else self._committed
        taken = [1000 * (end - begin) for begin, end in zip(since, self._handled, strict=True)]
        late = [1000 * (each - self._due(i)) for i, each in enumerate(self._committed)]
        return Measured(
            p50=percentile(taken, 0.5),
            p99=percentile(taken, 0.99),
            late50=percentile(late, 0.5),
            late99=percentile(late, 0.99),
            appended=self.number / (max(self._committed) - self._begun),
            handled=self.number / (max(self._handled) - self._begun),
            together=self.number / self._commits,
        )

    def _due(self, number: int) -> float:
        return self._begun + number / self._rate
