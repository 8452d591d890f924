"""The outbox, which read in commit order is the log; and how far each consumer has come."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

import msgspec
from sqlalchemy import JSON, Column, Row, String, Table, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from meeting.kernel.message import Entry, Message
from meeting.kernel.relay import Posted, entries
from meeting.stores.relational.database import Database, metadata
from meeting.stores.relational.parked import again, asked
from meeting.stores.relational.types import BigKey, Moment
from meeting.stores.relational.upsert import upsert

outbox = Table(
    "outbox",
    metadata,
    Column("position", BigKey, primary_key=True, autoincrement=True),
    Column("kind", String(8), nullable=False),
    Column("topic", String(64), nullable=False, index=True),
    Column("message_id", String(64), nullable=False, unique=True),
    Column("type", String(64), nullable=False),
    Column("source", String(32), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("at", Moment, nullable=False),
)

cursors = Table(
    "outbox_cursors",
    metadata,
    Column("consumer", String(64), primary_key=True),
    Column("topic", String(64), primary_key=True),
    Column("position", BigKey, nullable=False),
)

EVENTS = ("event", "foreign")
"""Kinds of messages that consumers read; tasks only pass through, on their way to a queue."""
TURN = 0x6F7574626F78
"""The advisory lock of PostgreSQL that stands for the end of the log."""


async def extend(connection: AsyncConnection, messages: Sequence[Message]) -> None:
    """Append to the log; the last thing before the commit.

    Positions must be committed in the order in which they are given out, or a reader passes over
    one that comes late. SQLite has one writer; on PostgreSQL the writers wait for each other here,
    until the commit, and hold nothing else up: nobody who has the turn waits for another lock.
    """
    await turn(connection)
    rows = [msgspec.structs.asdict(message) for message in messages]
    await connection.execute(insert(outbox), rows)


async def turn(connection: AsyncConnection) -> None:
    """Wait until it is our turn to append."""
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(TURN)))


async def adopt(connection: AsyncConnection, messages: Sequence[Message]) -> list[Message]:
    """Append those messages of others that are not here yet, by their ids; which those were."""
    await turn(connection)
    new = []
    for message in messages:
        row = msgspec.structs.asdict(message)
        placed = upsert(connection, outbox, row, keys=["message_id"], replace=False)
        if (await connection.execute(placed)).rowcount == 1:
            new.append(message)
    return new


async def standing(
    connection: AsyncConnection, consumer: str, topic: str
) -> tuple[int, Entry | None]:
    """Return how far a consumer has come, and what it is to handle again before it goes on."""
    place = select(cursors.c.position).where(
        cursors.c.consumer == consumer, cursors.c.topic == topic
    )
    found = select(place.scalar_subquery(), asked(consumer, topic))
    position, more = (await connection.execute(found)).one()
    return position or 0, await again(connection, consumer, topic) if more else None


def _posted(row: Row[Any]) -> Posted:
    fields = dict(row._mapping)  # noqa: SLF001 - its public name, see SQLAlchemy on rows
    return Posted(fields.pop("position"), Message(**fields))


class Posts:
    """The whole outbox in commit order: the `Outbox` that a relay reads."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._growth: asyncio.Event | None = None
        """Growth since just before the last look."""

    async def after(self, position: int, limit: int) -> Sequence[Posted]:
        """Return what is kept behind a position, in commit order."""
        self._growth = self._database.growth()
        behind = select(outbox).where(outbox.c.position > position)
        async with self._database.read() as connection:
            rows = await connection.execute(behind.order_by(outbox.c.position).limit(limit))
            return [_posted(row) for row in rows]

    async def end(self) -> int:
        """Return the last position that was given out; 0 where there was none."""
        async with self._database.read() as connection:
            return (await connection.execute(select(func.max(outbox.c.position)))).scalar() or 0

    async def wait(self, seconds: float) -> None:
        """Return when it may have grown since the last `after`, or after `seconds`."""
        growth = self._growth or self._database.growth()
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await growth.wait()


class Cursors:
    """How far the consumers have come, for a feed that lies elsewhere."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def standing(self, consumer: str, topic: str) -> tuple[int, Entry | None]:
        """Return how far a consumer has come, and what it is to handle again before it goes on."""
        async with self._database.read() as connection:
            return await standing(connection, consumer, topic)


class Log:
    """The `Feed` on SQL: the outbox, pulled at the position that the consumer's row holds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._growth: dict[tuple[str, str], asyncio.Event] = {}
        """What a consumer waits for on a topic: growth since just before its last pull."""

    async def pull(self, consumer: str, topic: str, limit: int = 100) -> Sequence[Entry]:
        """Return what the consumer has not consumed yet, in commit order."""
        self._growth[consumer, topic] = self._database.growth(topic)
        async with self._database.read() as connection:
            before, asked_again = await standing(connection, consumer, topic)
            if asked_again is not None:
                return [asked_again]
            rows = await connection.execute(
                select(outbox)
                .where(outbox.c.topic == topic, outbox.c.position > before)
                .where(outbox.c.kind.in_(EVENTS))
                .order_by(outbox.c.position)
                .limit(limit)
            )
            return entries(consumer, topic, before, [_posted(row) for row in rows])

    async def wait(self, consumer: str, topic: str, seconds: float) -> None:
        """Return when the topic may have grown since the consumer's last pull."""
        growth = self._growth.get((consumer, topic)) or self._database.growth(topic)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await growth.wait()


class LogTail:
    """Satisfies `Tail`: the outbox behind a position that the reader remembers."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._posts = Posts(database)
        self._growth: dict[str, asyncio.Event] = {}

    async def end(self) -> int:
        """Return the last position that was given out, whatever the topic."""
        return await self._posts.end()

    async def after(self, topic: str, position: int, limit: int = 100) -> Sequence[Posted]:
        """Return the events of a topic behind a position, in commit order."""
        self._growth[topic] = self._database.growth(topic)
        async with self._database.read() as connection:
            rows = await connection.execute(
                select(outbox)
                .where(outbox.c.topic == topic, outbox.c.position > position)
                .where(outbox.c.kind.in_(EVENTS))
                .order_by(outbox.c.position)
                .limit(limit)
            )
            return [_posted(row) for row in rows]

    async def wait(self, topic: str, seconds: float) -> None:
        """Return when the topic may have grown since the last `after`."""
        # Not asked since the last wait, as where Redis is asked instead: that growth is known.
        growth = self._growth.pop(topic, None) or self._database.growth(topic)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await growth.wait()

    def doubt(self) -> None:
        """Do nothing: this is the log."""
