"""Stores for the contract suites, each empty and thrown away afterwards."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import timedelta
from typing import Any, Self, cast

from meeting.kernel.clock import SystemClock
from meeting.kernel.growth import Growth
from meeting.kernel.ids import RandomIds
from meeting.kernel.ports import Leases
from meeting.kernel.relay import Relay
from meeting.kernel.secret import Secret
from meeting.stores.relational import migrate
from meeting.stores.relational.adoption import SqlAdoption
from meeting.stores.relational.database import Database
from meeting.stores.relational.leases import LeaseRows
from meeting.stores.relational.outbox import Cursors, Log, Posts
from meeting.stores.relational.parked import SqlAside
from meeting.stores.relational.unit import SqlUnit, SqlUnits
from meeting.transports.leases.leases import RedisLeases
from meeting.transports.pubsub.carrier import RedisCarrier
from meeting.transports.pubsub.feed import StreamFeed
from meeting.transports.pubsub.listener import Listener
from meeting.transports.redis.connection import Connection
from tests.clock import MovingClock
from tests.contract.feed import TOPIC
from tests.redis import Redis


class NumberUnit(SqlUnit):
    """A unit of a domain that has nothing but events."""

    SOURCE = "numbers"


class SqlWorld:
    """A database with its log."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.feed = Log(database)
        self.aside = SqlAside(database)
        self.units = SqlUnits(database, NumberUnit, SystemClock(), RandomIds())

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator[Self]:
        """Fill an empty database by the migrations that users run."""
        database = Database(url)
        await migrate.upgrade(database)
        try:
            yield cls(database)
        finally:
            await database.close()


class Stepped:
    """A feed over Redis whose relay takes its steps after each commit, not by chance."""

    def __init__(self, database: Database, redis: Connection) -> None:
        self.database = database
        self.redis = redis
        self.growth = Growth()
        self.clock = SystemClock()
        self.feed = StreamFeed(redis, Cursors(database), self.growth)
        self.aside = SqlAside(database)
        self.rows = SqlUnits(database, NumberUnit, self.clock, RandomIds(), relayed=True)
        self.carrier = RedisCarrier(redis, [TOPIC])
        self.relay = Relay(Posts(database), self.carrier)
        self.listener = Listener(
            redis, SqlAdoption(database, self.clock), self.growth, self.clock, topics=[TOPIC]
        )

    @property
    def units(self) -> Self:
        """Open units as the domains do; a commit is carried before anybody goes on."""
        return self

    def read(self) -> AbstractAsyncContextManager[NumberUnit]:
        """Open a unit that reads."""
        return self.rows.read()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[NumberUnit]:
        """Open a unit that writes, and carry what it announced."""
        async with self.rows.write() as unit:
            yield unit
        await self.carry()

    async def carry(self) -> None:
        """Carry all that there is."""
        while await self.relay.step():
            pass

    async def adopt(self) -> None:
        """Take in what was heard, and carry it."""
        await self.listener.step()
        await self.carry()

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str, redis: str) -> AsyncIterator[Self]:
        """Fill an empty database; the listener hears, the rest is done step by step."""
        async with SqlWorld.open(url) as rows:
            connection = Connection(Secret(redis))
            world = cls(rows.database, connection)
            ears = asyncio.create_task(world.listener.hear())
            try:
                async with asyncio.timeout(20):
                    await world.listener.heard.wait()
                yield world
            finally:
                ears.cancel()
                await asyncio.gather(ears, return_exceptions=True)
                await connection.close()


class Each:
    """Leases of which every call is a transaction of its own."""

    def __init__(self, rows: type[LeaseRows], database: Database, clock: MovingClock) -> None:
        self._rows = rows
        self._database = database
        self._clock = clock

    def __getattr__(self, name: str) -> Any:
        async def call(*given: Any, **named: Any) -> Any:
            async with self._database.write() as connection:
                return await getattr(self._rows(connection, self._clock), name)(*given, **named)

        return call


class SqlLeases:
    """The leases of a database, by a clock that is moved."""

    def __init__(self, database: Database, rows: type[LeaseRows] = LeaseRows) -> None:
        self._clock = MovingClock()
        self.leases = cast(Leases, Each(rows, database, self._clock))

    async def move(self, span: timedelta) -> None:
        """Move the clock."""
        self._clock.move(span)


class ServerLeases:
    """The leases of a Redis; its time stands where it is, so the ends come nearer instead."""

    def __init__(self, leases: Leases, server: Redis) -> None:
        self.leases = leases
        self._server = server

    async def move(self, span: timedelta) -> None:
        """Bring the ends of all holds nearer."""
        with self._server.client() as client:
            for key in client.zrange("leases:ends", 0, -1):
                client.zincrby("leases:ends", -(span // timedelta(microseconds=1)), key)


@asynccontextmanager
async def served(
    redis: Redis, kind: type[RedisLeases] = RedisLeases
) -> AsyncIterator[ServerLeases]:
    """Leases in a Redis."""
    connection = Connection(Secret(redis.url()))
    try:
        yield ServerLeases(kind(connection), redis)
    finally:
        await connection.close()
