"""Who waits for more on a topic, and is woken when there is some; within one process."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable

ANY = ""
"""Stands for all topics."""


class Growth:
    """One event a topic that somebody waits for, thrown away when it is set."""

    def __init__(self) -> None:
        self._waited: dict[str, asyncio.Event] = defaultdict(asyncio.Event)

    def grew(self, topics: Iterable[str]) -> None:
        """Wake whoever waits for one of the topics, or for any."""
        for topic in (*topics, ANY):
            if (waited := self._waited.pop(topic, None)) is not None:
                waited.set()

    def anyhow(self) -> None:
        """Wake everybody: something may have been missed."""
        self.grew(list(self._waited))

    def of(self, topic: str = ANY) -> asyncio.Event:
        """Return what is set when the topic grows next."""
        return self._waited[topic]
