"""The feed suite over every adapter, and over twins that it must reject."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from pathlib import Path

import msgspec
import pytest

from meeting.kernel.message import Entry
from meeting.kernel.ports import Feed, Unit, Units
from tests.contract.feed import PROMISES, World
from tests.contract.worlds import SqlWorld, Stepped
from tests.redis import Redis
from tests.stores import at

Promise = Callable[[World], Awaitable[None]]


@pytest.fixture
async def world(url: str) -> AsyncIterator[SqlWorld]:
    """An empty log."""
    async with SqlWorld.open(url) as opened:
        yield opened


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
async def test_keeps(promise: Promise, world: SqlWorld) -> None:
    """The SQL log keeps each promise of a feed."""
    await promise(world)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
async def test_keeps_over_redis(promise: Promise, url: str, redis: Redis) -> None:
    """Carried into Redis, the log keeps the same promises."""
    async with Stepped.open(url, redis.url()) as world:
        await promise(world)


class Twin(ABC):
    """A feed that looks like the real one and is broken on purpose."""

    def __init__(self, world: SqlWorld) -> None:
        self._real = world.feed
        self.units: Units[Unit] = world.units
        self.aside = world.aside
        self.feed: Feed = self
        self.seen = 0

    async def pull(self, consumer: str, topic: str, limit: int = 100) -> Sequence[Entry]:
        """Break what the real feed gives."""
        return self.damage(list(await self._real.pull(consumer, topic, limit)))

    async def wait(self, consumer: str, topic: str, seconds: float) -> None:
        """Wait as the real one does."""
        await self._real.wait(consumer, topic, seconds)

    @abstractmethod
    def damage(self, entries: list[Entry]) -> list[Entry]:
        """Return what a broken feed would give."""


class Dropping(Twin):
    """Loses each tenth event."""

    def damage(self, entries: list[Entry]) -> list[Entry]:
        """Leave each tenth out, and join the cursors over the hole."""
        kept: list[Entry] = []
        for entry in entries:
            self.seen += 1
            if self.seen % 10:
                kept.append(entry)
        return [
            msgspec.structs.replace(entry, before=kept[i - 1].after if i else entries[0].before)
            for i, entry in enumerate(kept)
        ]


class Repeating(Twin):
    """Gives one event a second time, in the place of the next."""

    def damage(self, entries: list[Entry]) -> list[Entry]:
        """Put the first message into the second entry too."""
        if len(entries) > 1:
            entries[1] = _with(entries[1], entries[0])
        return entries


class Reordering(Twin):
    """Exchanges two events."""

    def damage(self, entries: list[Entry]) -> list[Entry]:
        """Exchange the first two messages, not their cursors."""
        if len(entries) > 1:
            first, second = entries[:2]
            entries[:2] = [_with(first, second), _with(second, first)]
        return entries


def _with(entry: Entry, other: Entry) -> Entry:
    return msgspec.structs.replace(entry, message=other.message)


@pytest.mark.parametrize("twin", [Dropping, Repeating, Reordering])
async def test_rejects(twin: type[Twin], tmp_path: Path) -> None:
    """The suite turns red on a feed that drops each tenth event, repeats one or reorders two."""
    broken = []
    for promise in PROMISES:
        (tmp_path / promise.__name__).mkdir()
        async with SqlWorld.open(at(tmp_path / promise.__name__)) as world:
            try:
                await promise(twin(world))
            except AssertionError:
                broken.append(promise.__name__)
    assert "all_in_order" in broken
