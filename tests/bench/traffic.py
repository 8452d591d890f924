"""Frames through a relay: each is numbered, and each of its readers gets it once and in order.

A window holds so many frames in flight, which shows how many a second there can be; a rate sends
them at fixed times, which shows how long one takes. It runs in the environment of the load, so it
needs nothing but Python.
"""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable, Sequence

MARK = b"bench-"
DIGITS = 8
TICK = 0.001
"""Seconds between looks at the schedule; what is due by then goes out together."""
PATIENCE = 20.0
"""Seconds that frames in flight may take at the end, before they count as lost."""


class Lost(Exception):
    """A relay did not do what it is there for: its frames have no figure."""


class Talk:
    """One sender, and those who get its frames."""

    def __init__(self, send: Callable[[bytes], None], frame: bytes, readers: int) -> None:
        """Take the frame as it is to be sent; the digits after MARK become its number."""
        at = frame.index(MARK) + len(MARK)
        self.readers = readers
        self.said = 0
        self.heard = 0
        self.at: list[float] = []
        self._head, self._tail = frame[:at], frame[at + DIGITS :]
        self._send = send
        self._next = [0] * readers

    def say(self, now: float) -> None:
        """Send the next frame."""
        number = self.said
        self.said += 1
        self.at.append(now)
        self._send(b"%b%0*d%b" % (self._head, DIGITS, number, self._tail))

    def hear(self, reader: int, text: bytes) -> float:
        """Take in what one reader got; when it was sent."""
        at = text.find(MARK)
        if at < 0:
            raise Lost(f"something else came: {text[:200]!r}")
        number = int(text[at + len(MARK) : at + len(MARK) + DIGITS])
        if number != self._next[reader]:
            raise Lost(f"frame {number} came where {self._next[reader]} was next")
        self._next[reader] += 1
        self.heard += 1
        return self.at[number]


class Traffic:
    """All talks at once."""

    def __init__(
        self,
        talks: Sequence[Talk],
        *,
        now: Callable[[], float] = time.perf_counter,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.delivered = 0
        self.taken: list[float] = []
        """Seconds of each delivery, while a rate is held."""
        self._talks = talks
        self._now = now
        self._pause = pause
        self._owed = 0
        self._window = 0
        self._timed = False
        self._still = asyncio.Event()
        self._wrong: Exception | None = None

    def heard(self, talk: Talk, reader: int, text: bytes) -> None:
        """Take in what came; within a window the next one follows when all readers had as many."""
        try:
            sent = talk.hear(reader, text)
        except Lost as error:
            self.fail(error)
            return
        self.delivered += 1
        if self._timed:
            self.taken.append(self._now() - sent)
        elif self._window and talk.heard % talk.readers == 0:
            self._say(talk, self._now())
        if self.delivered == self._owed:
            self._still.set()

    def fail(self, error: Exception) -> None:
        """End what is under way."""
        self._wrong = self._wrong or error
        self._window = 0
        self._still.set()

    async def flood(self, window: int, warm: float, seconds: float) -> float:
        """Keep so many frames of each sender in flight; how many a second were delivered."""
        self._window = window
        for talk in self._talks:
            for _ in range(window):
                self._say(talk, self._now())
        await self._pause(warm)
        begun, before = self._now(), self.delivered
        await self._pause(seconds)
        rate = (self.delivered - before) / (self._now() - begun)
        self._window = 0
        await self._settle()
        return rate

    async def steady(self, rate: float, seconds: float) -> float:
        """Have so many deliveries a second, evenly; the 99th percentile of our own lateness, s."""
        readers = sum(talk.readers for talk in self._talks) / len(self._talks)
        step = readers / rate
        number = max(1, math.ceil(seconds / step))
        late: list[float] = []
        self.taken.clear()
        self._timed = True
        begun = self._now()
        while len(late) < number and self._wrong is None:
            now = self._now()
            while len(late) < number and begun + len(late) * step <= now:
                talk = self._talks[len(late) % len(self._talks)]
                late.append(now - begun - len(late) * step)
                self._say(talk, self._now())
            await self._pause(TICK)
        await self._settle()
        self._timed = False
        return sorted(late)[len(late) * 99 // 100] if late else math.nan

    def _say(self, talk: Talk, now: float) -> None:
        self._owed += talk.readers
        self._still.clear()
        talk.say(now)

    async def _settle(self) -> None:
        """Wait until all that was sent has come."""
        try:
            async with asyncio.timeout(PATIENCE):
                await self._still.wait()
        except TimeoutError:
            self.fail(Lost(f"{self._owed - self.delivered} of {self._owed} did not come"))
        if self._wrong is not None:
            raise self._wrong
