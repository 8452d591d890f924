"""How far a run is, read from the stores by whoever directs it."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import ClassVar, TypeVar

import msgspec
from sqlalchemy import func, select
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from meeting.kernel.errors import Fault
from meeting.kernel.queue import Place, Seen
from meeting.kernel.sole import place
from meeting.stores.relational import migrate
from meeting.stores.relational.outbox import Cursors
from meeting.stores.relational.parked import parked
from tests.chaos.house import House
from tests.chaos.journal import Thing
from tests.chaos.matter import CONSUMER, QUEUE, Told, effects, own
from tests.chaos.orders import Orders

T = TypeVar("T")
PATIENCE = 60.0
PAGE = 500


class Stand:
    """Looks at the effects with a connection of its own each time, and at the ports."""

    QUEUES: ClassVar[Sequence[str]] = (QUEUE,)
    READERS: ClassVar[Mapping[str, Sequence[str]]] = {Told.TOPIC: (CONSUMER,)}
    """Topics, and who reads each."""

    def __init__(self, orders: Orders) -> None:
        self.house = House(orders)
        url = orders.database.replace("postgresql:", "postgresql+asyncpg:")
        self._engine = create_async_engine(url, poolclass=NullPool)

    async def open(self) -> None:
        """Make the tables."""
        await migrate.upgrade(self.house.database)
        async with self._engine.begin() as connection:
            await connection.run_sync(own.create_all)

    async def close(self) -> None:
        """Close all connections."""
        await self.house.close()
        await self._engine.dispose()

    async def holders(self) -> set[str]:
        """Return who holds a task at this moment."""
        now = time.time()
        held = [each for queue in self.QUEUES for each in await self._listed(queue, Place.HELD)]
        return {each.owner for each in held if each.until > now}

    async def readers(self) -> set[str]:
        """Return who reads the log at this moment, where that takes a lease."""
        held = await patiently(lambda: self.house.leases.get(place(CONSUMER, Told.TOPIC)))
        if held is None or not held.lives(datetime.now(UTC)):
            return set()
        return {held.owner}

    async def count(self) -> int:
        """Count the effects, those that are there twice as two."""
        return await patiently(self._count)

    async def found(self) -> dict[Thing, int]:
        """Return all that had an effect, and how often it had it."""
        return await patiently(self._found)

    async def dead(self) -> set[Thing]:
        """Return the tasks among the dead letters and the events that are parked."""
        found: set[Thing] = set()
        offset = 0
        while page := await self._listed(QUEUE, Place.DEAD, offset):
            found |= {("task", _number(each.body)) for each in page}
            offset += len(page)
        return found | await patiently(self._parked)

    async def mark(self) -> int:
        """Return up to where the log is marked as read, by the relay or, without one, a reader."""
        if self.house.redis is not None:
            return await patiently(self.house.carrier.position)
        cursors = Cursors(self.house.database)
        position, _ = await patiently(lambda: cursors.standing(CONSUMER, Told.TOPIC))
        return position

    async def pending(self) -> bool:
        """Tell whether anything is on its way: to the relay, in the queue, to the consumer."""
        if self.house.redis is not None and await patiently(self._uncarried):
            return True
        for queue in self.QUEUES:
            depth = await patiently(partial(self.house.queue.depth, queue))
            if sum(depth.waiting.values()) or depth.held or depth.delayed:
                return True
        for topic, readers in self.READERS.items():
            for reader in readers:
                if await patiently(partial(self.house.feed.pull, reader, topic, 1)):
                    return True
        return False

    async def _uncarried(self) -> bool:
        position = await self.house.carrier.position()
        return bool(await self.house.posts.after(position, 1))

    async def _count(self) -> int:
        async with self._engine.connect() as connection:
            query = select(func.count()).select_from(effects)
            return (await connection.execute(query)).scalar_one()

    async def _found(self) -> dict[Thing, int]:
        columns = effects.c.kind, effects.c.number
        query = select(*columns, func.count().label("often")).group_by(*columns)
        async with self._engine.connect() as connection:
            rows = await connection.execute(query)
            return {(row.kind, row.number): row.often for row in rows}

    async def _listed(self, queue: str, place: Place, offset: int = 0) -> Sequence[Seen]:
        return await patiently(partial(self.house.queue.list, queue, place, offset, PAGE))

    async def _parked(self) -> set[Thing]:
        async with self._engine.connect() as connection:
            rows = await connection.execute(select(parked.c.payload))
            return {("event", row.payload["number"]) for row in rows}


def _number(body: bytes) -> int:
    number: int = msgspec.json.decode(body)["payload"]["number"]
    return number


async def patiently(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask a store until it answers: it may have been struck a moment ago."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            return await ask()
        except (Fault, OSError, SQLAlchemyError):
            if time.monotonic() > deadline:
                raise
        await asyncio.sleep(0.1)
