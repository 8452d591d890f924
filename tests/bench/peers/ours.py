"""Our queue with its worker and its metrics: over `redis`, or over `sqlite` in a folder."""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import ClassVar

from meeting.kernel.clock import SystemClock
from meeting.kernel.ids import RandomIds
from meeting.kernel.letter import Letter
from meeting.kernel.message import Behind
from meeting.kernel.parked import Pile
from meeting.kernel.queue import Depth, Queue
from meeting.kernel.secret import Secret
from meeting.kernel.task import Task
from meeting.kernel.work import Work
from meeting.kernel.worker import Worker
from meeting.stores.relational import migrate
from meeting.stores.relational.database import Database
from meeting.stores.relational.queue import SqlQueue
from meeting.transports.http.metrics import Meter as Metrics
from meeting.transports.queue.queue import RedisQueue
from meeting.transports.redis.connection import Connection
from tests.bench.meter import TIMEOUT, Meter, arguments, enqueue, run, say, width


class Nothing(Task, frozen=True, kw_only=True):
    """A task that does nothing."""

    TYPE: ClassVar[str] = "nothing.do"
    QUEUE: ClassVar[str] = "user_tasks"


@asynccontextmanager
async def opened(url: str, variant: str) -> AsyncIterator[Queue]:
    """Open the queue that is asked for."""
    if variant == "sqlite":
        with tempfile.TemporaryDirectory() as folder:
            database = Database.embedded(Path(folder))
            await migrate.upgrade(database)
            yield SqlQueue(database, SystemClock(), RandomIds())
    else:
        yield RedisQueue(Connection(Secret(url)), SystemClock(), RandomIds())


async def main() -> None:
    """Put the tasks in, then take them out."""
    given = arguments()
    meter = Meter(given.number)
    letter = Letter(type=Nothing.TYPE, payload={}, timeout=TIMEOUT)

    async def nothing(_task: Nothing, _work: Work) -> None:
        meter.hit()

    async def none() -> Mapping[str, Depth]:
        return {}

    async def behind() -> Sequence[Behind]:
        return ()

    async def aside() -> Sequence[Pile]:
        return ()

    async with opened(given.url, given.variant) as queue:
        rate = await enqueue(
            given.number, given.mode, lambda n: queue.put(Nothing.QUEUE, [letter] * n)
        )
        worker = Worker(
            Nothing.QUEUE,
            "bench",
            queue=queue,
            handlers={Nothing: nothing},
            concurrency=width(given.mode),
            clock=SystemClock(),
            told=Metrics(types=[Nothing.TYPE], depths=none, lags=behind, aside=aside).told,
        )
        await meter.finished(asyncio.ensure_future(worker.run()))
        say(rate, meter)


run(main())
