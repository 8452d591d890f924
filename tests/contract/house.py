"""A database with its outbox and a Redis that it is carried to, to be asked step by step."""

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import ClassVar

from hypothesis import Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from sqlalchemy import delete

from meeting.kernel.growth import Growth
from meeting.kernel.ids import RandomIds
from meeting.kernel.message import Entry, Event, Message
from meeting.kernel.relay import Relay
from meeting.kernel.secret import Secret
from meeting.kernel.task import Task
from meeting.stores.relational import migrate
from meeting.stores.relational.adoption import SqlAdoption
from meeting.stores.relational.database import Database
from meeting.stores.relational.outbox import Cursors, Log, Posts, cursors, outbox
from meeting.stores.relational.parked import parked
from meeting.stores.relational.unit import SqlUnits
from meeting.stores.relational.window import SqlKeeper
from meeting.transports.pubsub.carrier import RedisCarrier
from meeting.transports.pubsub.feed import StreamFeed
from meeting.transports.queue.queue import RedisQueue
from meeting.transports.redis.connection import Connection
from tests.clock import MovingClock
from tests.contract.worlds import NumberUnit
from tests.redis import Redis

TOPICS = ("numbers", "words")
QUEUE = "ai_tasks"
READERS = {"numbers": ("a", "b"), "words": ("a",)}
"""The consumers of the house; whoever else reads is a stranger."""


class Number(Event, frozen=True, kw_only=True):
    """An event of the first topic."""

    TYPE: ClassVar[str] = "number.said"
    TOPIC: ClassVar[str] = TOPICS[0]


class Word(Event, frozen=True, kw_only=True):
    """An event of the second."""

    TYPE: ClassVar[str] = "word.said"
    TOPIC: ClassVar[str] = TOPICS[1]


class Job(Task, frozen=True, kw_only=True):
    """A task."""

    TYPE: ClassVar[str] = "job"
    QUEUE: ClassVar[str] = QUEUE


class House:
    """A database and a Redis, and the loop on which they are asked."""

    def __init__(self, url: str, server: Redis, runner: asyncio.Runner) -> None:
        self.server = server
        self.ask = runner.run
        self.database = database = Database(url)
        self.connection = connection = Connection(Secret(server.url()))
        self.clock = MovingClock()
        self.units = SqlUnits(database, NumberUnit, self.clock, RandomIds(), relayed=True)
        self.adoption = SqlAdoption(database, self.clock)
        self.posts = Posts(database)
        self.carrier = RedisCarrier(connection, TOPICS)
        self.relay = Relay(self.posts, self.carrier)
        self.queue = RedisQueue(connection, self.clock, RandomIds())
        self.keeper = SqlKeeper(database, self.clock, READERS, self.carrier)
        self.log = Log(database)
        self.stream = StreamFeed(connection, Cursors(database), Growth())

    async def clear(self) -> None:
        """Throw away what the last run has left."""
        async with self.database.write() as connection:
            for table in (outbox, cursors, parked):
                await connection.execute(delete(table))

    async def say(
        self, kinds: Sequence[type[Event | Job]], done: Sequence[Entry], *, fails: bool = False
    ) -> list[Message]:
        """Announce and consume, or park, in one unit of work; what it has written."""
        async with self.units.write() as unit:
            for kind in kinds:
                if issubclass(kind, Event):
                    unit.append(kind())
                else:
                    unit.enqueue(kind())
            for entry in done:
                await (unit.park(entry, "it failed", 5) if fails else unit.advance(entry))
        return unit.messages

    async def close(self) -> None:
        """Let go of both."""
        await self.queue.close()
        await self.connection.close()
        await self.database.close()


@contextmanager
def opened(url: str, server: Redis) -> Iterator[House]:
    """Fill an empty database; sync, since each step of a machine runs the loop for itself."""
    with asyncio.Runner() as runner:
        house = House(url, server, runner)
        runner.run(migrate.upgrade(house.database))
        yield house
        runner.run(house.close())


def held(machine: Callable[[], RuleBasedStateMachine], runs: int) -> None:
    """Hold a house to a model, whole or broken; what fails is shown as it was found."""
    limits = settings(
        max_examples=runs,
        stateful_step_count=30,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        print_blob=False,
    )
    run_state_machine_as_test(machine, settings=limits)  # type: ignore[arg-type] # takes what makes one
