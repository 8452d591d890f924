"""The ways of an event from who commits it to who handles it, and bare ones beside them."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import aiosqlite
import asyncpg
import msgspec
from redis.asyncio import Redis as Client
from sqlalchemy import make_url

from meeting.kernel.consumer import Consumer
from meeting.kernel.message import Entry
from meeting.kernel.ports import Feed, Unit, Units
from meeting.stores.relational.database import PRAGMAS
from tests.bench.course import Put
from tests.contract.feed import TOPIC, Number
from tests.contract.worlds import SqlWorld, Stepped

STREAM = "bare"
CHUNK = 100
"""Entries that are read at once, as by our feeds."""

Hit = Callable[[int], None]


class Place(msgspec.Struct, frozen=True):
    """Where a way's servers are; each is empty."""

    database: str
    redis: str


class Opened(msgspec.Struct, frozen=True):
    """How events are put in, and what has to run for them to arrive."""

    put: Put
    background: Sequence[Callable[[], Coroutine[Any, Any, None]]]


@asynccontextmanager
async def rows(place: Place, hit: Hit) -> AsyncIterator[Opened]:
    """The log of the rows, in one process."""
    async with SqlWorld.open(place.database) as world:
        yield Opened(_put(world.units), [_consumer(world.feed, world.units, hit).run])


@asynccontextmanager
async def carried(place: Place, hit: Hit) -> AsyncIterator[Opened]:
    """The log of the rows, carried into Redis by a relay and read from there."""
    async with Stepped.open(place.database, place.redis) as world:
        consumer = _consumer(world.feed, world.rows, hit)
        yield Opened(_put(world.rows), [world.relay.run, world.listener.settle, consumer.run])


@asynccontextmanager
async def handed(place: Place, hit: Hit) -> AsyncIterator[Opened]:
    """A list and an `asyncio.Event`; where there is a database, a bare COMMIT for what waits."""
    waiting: list[int] = []
    some = asyncio.Event()

    async def put(numbers: Sequence[int]) -> None:
        waiting.extend(numbers)
        some.set()

    async with _commit(place.database) as commit:

        async def take() -> None:
            while True:
                await some.wait()
                some.clear()
                taken, waiting[:] = waiting[:], []
                await commit(taken[-1])
                for each in taken:
                    hit(each)

        yield Opened(put, [take])


@asynccontextmanager
async def _commit(database: str) -> AsyncIterator[Callable[[int], Awaitable[object]]]:
    """Open the driver itself, and give what commits a number as durably as our rows are."""
    update = "UPDATE floor SET position = "
    if database.startswith("sqlite"):
        path = str(make_url(database).database)
        async with aiosqlite.connect(path, isolation_level=None) as file:
            for name, value in PRAGMAS.items():
                await file.execute(f"PRAGMA {name}={value}")
            await file.execute("CREATE TABLE floor AS SELECT 0 AS position")
            yield lambda position: file.execute(f"{update}{position}")
    elif database:
        url = make_url(database).set(drivername="postgresql")
        server = await asyncpg.connect(url.render_as_string(hide_password=False))
        try:
            await server.execute("CREATE TABLE floor AS SELECT 0::bigint AS position")
            yield lambda position: server.execute(f"{update}$1", position)
        finally:
            await server.close()
    else:
        yield _nothing


async def _nothing(_position: int) -> None:
    """Commit nothing."""


@asynccontextmanager
async def streamed(place: Place, hit: Hit) -> AsyncIterator[Opened]:
    """XADD, and a blocking XREAD."""
    async with (
        Client.from_url(place.redis, protocol=2, socket_timeout=None) as writer,
        # With a timeout redis-py may swallow the cancellation that ends `take`.
        Client.from_url(place.redis, protocol=2, socket_timeout=None) as reader,
    ):

        async def put(numbers: Sequence[int]) -> None:
            async with writer.pipeline(transaction=False) as together:
                for each in numbers:
                    together.xadd(STREAM, {"value": each})
                await together.execute()

        async def take() -> None:
            last = b"0"
            while True:
                found: Any = await reader.xread({STREAM: last}, count=CHUNK, block=1000)
                for _, entries in found:
                    for _, fields in entries:
                        hit(int(fields[b"value"]))
                    last = entries[-1][0]

        yield Opened(put, [take])


def _put(units: Units[Unit]) -> Put:
    async def put(numbers: Sequence[int]) -> None:
        async with units.write() as unit:
            for each in numbers:
                unit.append(Number(value=each))

    return put


def _consumer(feed: Feed, units: Units[Unit], hit: Hit) -> Consumer:
    """Return one that only moves the cursor; an event has come when that is committed."""
    handled: list[int] = []

    async def handle(_unit: Unit, event: Number, _entry: Entry) -> None:
        handled.append(event.value)

    def committed(_unit: Unit) -> None:
        for value in handled:
            hit(value)
        handled.clear()

    return Consumer(
        "bench", TOPIC, feed=feed, units=units, handlers={Number: handle}, after=committed
    )


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """A way under measurement, and what it promises: a figure without that says nothing."""

    name: str
    database: str = ""
    """What the rows lie in: `sqlite`, `postgresql` or nothing."""
    bare: bool = False
    """Without a commit of whoever sends: counted from the call, as a reader may have it before
    XADD's answer comes."""
    open: Callable[[Place, Hit], AbstractAsyncContextManager[Opened]]
    with_rows: str = "yes"
    once: str = "yes: in the handler's commit"
    killed: str
    poisoned: str = "parked after 5 tries, visible"
    source: str = "meeting/kernel/consumer.py, tests/contract/feed.py"
    """Where that is said."""


KILLED = "again, from the consumer's cursor"
WAYS = (
    Way(name="ours on SQLite", database="sqlite", open=rows, killed=KILLED),
    Way(name="ours on PostgreSQL", database="postgresql", open=rows, killed=KILLED),
    Way(name="ours over Redis", database="postgresql", open=carried, killed=KILLED),
    Way(
        name="asyncio.Event",
        bare=True,
        open=handed,
        with_rows="no: nothing is kept",
        once="yes",
        killed="lost",
        poisoned="no",
        source="tests/bench/ways.py",
    ),
    *(
        Way(
            name=f"Event and COMMIT, {name}",
            database=name.lower(),
            bare=True,
            open=handed,
            with_rows="no: it is not kept before it is handled",
            once="yes",
            killed="lost",
            poisoned="no",
            source="tests/bench/ways.py",
        )
        for name in ("SQLite", "PostgreSQL")
    ),
    Way(
        name="XADD to XREAD",
        bare=True,
        open=streamed,
        with_rows="no: two writes",
        once="no: the reader keeps its own place",
        killed="again or lost, as the reader keeps its place",
        poisoned="no",
        source="tests/bench/ways.py; Redis's documentation of XREAD",
    ),
)
