"""Every adapter of `Queue` against the reference model: whatever is done, both are in one state."""

import asyncio
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from meeting.kernel.clock import SystemClock
from meeting.kernel.ids import RandomIds
from meeting.kernel.queue import Queue
from meeting.kernel.secret import Secret
from meeting.stores.relational import migrate
from meeting.stores.relational.database import Database
from meeting.stores.relational.queue import SqlQueue
from meeting.transports.queue.queue import RedisQueue
from meeting.transports.redis.connection import Connection
from meeting.transports.redis.script import Script
from tests.clock import MovingClock
from tests.contract.machine import check
from tests.redis import Redis
from tests.simulation.model.queue import Model
from tests.simulation.twin.broken import (
    Careless,
    Deaf,
    Forgetful,
    Late,
    Losing,
    Starving,
    Timid,
    Unfenced,
)
from tests.simulation.twin.queue import Store, Twin


class Moved:
    """Queues in rows or in memory, by a clock that is moved."""

    relayed = False

    def __init__(self, run: Callable[[Any], Any], make: Callable[[MovingClock], Queue]) -> None:
        self.had: set[tuple[str, str]] = set()
        self._clock = MovingClock()
        self.queue = make(self._clock)
        self.run = run

    def now(self) -> float:
        """Return the clock's time."""
        return self._clock.now().timestamp()

    def move(self, seconds: float) -> None:
        """Move the clock."""
        self._clock.move(timedelta(seconds=seconds))


class Ahead(Connection):
    """Has every script run some seconds ahead of the server's time."""

    seconds = 0.0

    async def run(self, script: Script, keys: Sequence[str], *values: Any) -> Any:
        """Run a script with its one look at the time moved."""
        asked = "tonumber(time[1])"
        later = script.text.replace(asked, f"({asked} + tonumber(redis.call('GET', 'ahead') or 0))")
        assert later != script.text
        return await super().run(Script(later), keys, *values)


class Noted:
    """Knows what has had its effect."""

    def __init__(self, had: set[tuple[str, str]]) -> None:
        self._had = had

    async def had(self, queue: str, ids: Sequence[str]) -> Collection[str]:
        """Look it up."""
        return {each for each in ids if (queue, each) in self._had}


class RedisWorld:
    """The queues of a Redis; its scripts look at a time that is moved."""

    relayed = True

    def __init__(self, redis: Redis, connection: Connection, run: Callable[[Any], Any]) -> None:
        self.had: set[tuple[str, str]] = set()
        effects = Noted(self.had)
        self.queue: Queue = RedisQueue(connection, SystemClock(), RandomIds(), effects)
        self.run = run
        self._client = redis.client()
        self._ahead = 0.0

    def now(self) -> float:
        """Return the time of the scripts."""
        return time.time() + self._ahead

    def move(self, seconds: float) -> None:
        """Move the time of the scripts."""
        self._ahead = self._client.incrby("ahead", int(seconds))

    def close(self) -> None:
        """Close what looked behind the adapter."""
        self._client.close()


@contextmanager
def loop() -> Iterator[Callable[[Any], Any]]:
    """Give a loop to run an adapter on, step by step."""
    with asyncio.Runner() as runner:
        yield runner.run


def twin(model: type[Model], run: Callable[[Any], Any]) -> Moved:
    """Make a queue in memory, whole or broken."""
    return Moved(run, lambda clock: Twin(Store(clock, RandomIds(), model)))


def test_sql(url: str) -> None:
    """The queue on SQL does what the model does, whatever is asked of it."""
    with loop() as run:
        database = Database(url)
        run(migrate.upgrade(database))
        try:
            check(Moved(run, lambda clock: SqlQueue(database, clock, RandomIds())), 6)
        finally:
            run(database.close())


def test_redis(redis: Redis) -> None:
    """The queue on Redis does what the model does, whatever is asked of it."""
    with loop() as run:
        connection = Ahead(Secret(redis.url()))
        made = RedisWorld(redis, connection, run)
        try:
            check(made, 30)
        finally:
            made.close()
            run(connection.close())


def test_twin() -> None:
    """The twin that simulations stand on does what the model does."""
    with loop() as run:
        check(twin(Model, run), 40)


@pytest.mark.parametrize(
    "broken", [Unfenced, Careless, Late, Deaf, Timid, Forgetful, Starving, Losing]
)
def test_rejects(broken: type[Model]) -> None:
    """The comparison turns red on a queue that lets any hold do, and on others that are broken."""
    with loop() as run, pytest.raises(AssertionError):
        check(
            twin(broken, run),
            300,
            derandomize=True,
            database=None,
            print_blob=False,
        )
