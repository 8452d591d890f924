"""The log as a process reads it that misses nothing while it lives, and dies with its place.

A reader of this kind begins at the end and keeps its place in memory: what it does with events is
as short-lived as itself, such as telling its own sockets. So it costs no commit, and holds nothing.
"""

import asyncio
from collections.abc import Sequence
from typing import Protocol

from meeting.kernel.errors import Fault, Kind
from meeting.kernel.relay import Posted


class Tail(Protocol):
    """Topics behind a position that the reader remembers; each has one reader, who is woken."""

    async def end(self) -> int:
        """Return the last position that was given out, whatever the topic."""
        ...

    async def after(self, topic: str, position: int, limit: int = 100) -> Sequence[Posted]:
        """Return the events of a topic behind a position, in commit order."""
        ...

    async def wait(self, topic: str, seconds: float) -> None:
        """Return when the topic may have grown since the last `after`, or after `seconds`."""
        ...

    def doubt(self) -> None:
        """Believe no copy of the log until it has been held against the log again."""
        ...


class Either:
    """Satisfies `Tail`: the first while it answers, else the second; both count alike."""

    def __init__(self, first: Tail, second: Tail) -> None:
        self._first = first
        self._second = second

    async def end(self) -> int:
        """Return the last position, which is known where the log is written."""
        return await self._second.end()

    async def after(self, topic: str, position: int, limit: int = 100) -> Sequence[Posted]:
        """Return the events of a topic behind a position, in commit order."""
        try:
            return await self._first.after(topic, position, limit)
        except Fault as fault:
            if fault.kind is not Kind.UNAVAILABLE:
                raise
            return await self._second.after(topic, position, limit)

    async def wait(self, topic: str, seconds: float) -> None:
        """Return when either may have grown."""
        waits = [asyncio.ensure_future(each.wait(topic, seconds)) for each in self._both]
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in waits:
                each.cancel()

    def doubt(self) -> None:
        """Believe neither until it has been held against the log again."""
        for each in self._both:
            each.doubt()

    @property
    def _both(self) -> tuple[Tail, Tail]:
        return self._first, self._second
