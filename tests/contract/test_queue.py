"""The queue suite over every adapter, and over twins that it must reject."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from datetime import timedelta

import pytest
from sqlalchemy import insert

from meeting.kernel.clock import SystemClock
from meeting.kernel.ids import RandomIds
from meeting.kernel.lane import Lane
from meeting.kernel.queue import Place
from meeting.kernel.secret import Secret
from meeting.stores.relational import migrate
from meeting.stores.relational.database import Database
from meeting.stores.relational.queue import SqlQueue
from meeting.stores.relational.tasks import tasks
from meeting.transports.queue.queue import RedisQueue
from meeting.transports.redis.connection import Connection
from tests.clock import MovingClock
from tests.contract.queue import PROMISES, QUEUE, World
from tests.redis import Redis
from tests.simulation.model.queue import Model
from tests.simulation.twin.broken import (
    Careless,
    Deaf,
    Doubling,
    Dropping,
    Forgetful,
    Hasty,
    Late,
    Losing,
    Starving,
    Timid,
    Unfenced,
)
from tests.simulation.twin.queue import Store, Twin

Promise = Callable[[World], Awaitable[None]]


class SqlTasks:
    """The queues of a database, by a clock that is moved."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = MovingClock()
        self.queue = SqlQueue(database, self.clock, RandomIds())

    async def move(self, seconds: float) -> None:
        """Move the clock."""
        self.clock.move(timedelta(seconds=seconds))

    async def plant(self, lane: Lane, raw: bytes) -> None:
        """Write a row as if it had rotted."""
        now = self.clock.now()
        row = {"queue": QUEUE, "task_id": "rotten", "lane": int(lane), "place": Place.WAITING}
        row |= {"body": raw, "written_at": now, "until": now, "owner": "", "fence": 0}
        async with self.database.write() as connection:
            await connection.execute(insert(tasks).values(**row, progress=0.0, fresh=1))


class RedisTasks:
    """The queues of a Redis; its time stands where it is, so the ends come nearer instead."""

    def __init__(self, queue: RedisQueue, server: Redis) -> None:
        self.queue = queue
        self._server = server

    async def move(self, seconds: float) -> None:
        """Bring the ends of all holds and delays nearer."""
        with self._server.client() as client:
            for name in (f"{QUEUE}:leases", f"{QUEUE}:delayed"):
                for member in client.zrange(name, 0, -1):
                    client.zincrby(name, -seconds * 1000, member)

    async def plant(self, lane: Lane, raw: bytes) -> None:
        """Push into the list of a lane."""
        with self._server.client() as client:
            client.rpush(f"{QUEUE}:{lane.name.lower()}", raw)


class TwinTasks:
    """The queue in memory that simulations use, whole or broken."""

    def __init__(self, twin: type[Twin] = Twin, model: Callable[[], Model] = Model) -> None:
        self.clock = MovingClock()
        self.queue = twin(Store(self.clock, RandomIds(), model))

    async def move(self, seconds: float) -> None:
        """Move the clock."""
        self.clock.move(timedelta(seconds=seconds))

    async def plant(self, lane: Lane, raw: bytes) -> None:
        """Lay something in."""
        self.queue.plant(QUEUE, lane, raw)


@pytest.fixture
async def sql(url: str) -> AsyncIterator[SqlTasks]:
    """Empty queues in a database."""
    database = Database(url)
    await migrate.upgrade(database)
    yield SqlTasks(database)
    await database.close()


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
async def test_sql(promise: Promise, sql: SqlTasks) -> None:
    """The queue on SQL keeps each promise."""
    await promise(sql)


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
async def test_redis(promise: Promise, redis: Redis) -> None:
    """The queue on Redis keeps each promise."""
    async with AsyncExitStack() as stack:
        connection = Connection(Secret(redis.url()))
        queue = RedisQueue(connection, SystemClock(), RandomIds())
        stack.push_async_callback(connection.close)
        stack.push_async_callback(queue.close)
        await promise(RedisTasks(queue, redis))


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
async def test_twin(promise: Promise) -> None:
    """The twin that simulations stand on keeps each promise."""
    await promise(TwinTasks())


@pytest.mark.parametrize(
    ("world", "promise"),
    [
        (lambda: TwinTasks(model=Unfenced), "fenced"),
        (lambda: TwinTasks(model=Careless), "parted"),
        (lambda: TwinTasks(model=Late), "overdue"),
        (lambda: TwinTasks(model=Deaf), "freed"),
        (lambda: TwinTasks(Hasty), "held"),
        (lambda: TwinTasks(Dropping), "once"),
        (lambda: TwinTasks(model=Forgetful), "failing"),
        (lambda: TwinTasks(model=Starving), "lanes"),
        (lambda: TwinTasks(model=Losing), "given_back"),
        (lambda: TwinTasks(model=Timid), "poison"),
        (lambda: TwinTasks(model=Doubling), "keyed"),
    ],
    ids=[
        "fence",
        "careless",
        "late",
        "deaf",
        "hasty",
        "drops",
        "delay",
        "starves",
        "loses",
        "poison",
        "keys",
    ],
)
async def test_rejects(world: Callable[[], TwinTasks], promise: str) -> None:
    """The suite turns red on each kind of broken queue, at the promise that it breaks."""
    broken = []
    for each in PROMISES:
        try:
            await each(world())
        except (AssertionError, ValueError):
            broken.append(each.__name__)
    assert promise in broken
