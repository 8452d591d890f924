"""The outbox, which read in commit order is the log; and how far each consumer has come."""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import msgspec
from sqlalchemy import JSON, Column, Integer, String, Table, Text, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from meeting.kernel.message import Entry, Message
from meeting.stores.relational.database import Database, metadata
from meeting.stores.relational.types import BigKey, Moment

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

parked = Table(
    "outbox_parked",
    metadata,
    Column("consumer", String(64), primary_key=True),
    Column("message_id", String(64), primary_key=True),
    Column("topic", String(64), nullable=False),
    Column("type", String(64), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("at", Moment, nullable=False),
    Column("error", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("parked_at", Moment, nullable=False),
)

TURN = 0x6F7574626F78
"""The advisory lock of PostgreSQL that stands for the end of the log."""


async def extend(connection: AsyncConnection, messages: Sequence[Message]) -> None:
    """Append to the log; the last thing before the commit.

    Positions must be committed in the order in which they are given out, or a reader passes over
    one that comes late. SQLite has one writer; on PostgreSQL the writers wait for each other here,
    until the commit, and hold nothing else up: nobody who has the turn waits for another lock.
    """
    if connection.dialect.name == "postgresql":
        await connection.execute(select(func.pg_advisory_xact_lock(TURN)))
    rows = [msgspec.structs.asdict(message) for message in messages]
    await connection.execute(insert(outbox), rows)


class Log:
    """The `Feed` on SQL: the outbox, pulled at the position that the consumer's row holds."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._growth: dict[tuple[str, str], asyncio.Event] = {}
        """What a consumer waits for on a topic: growth since just before its last pull."""

    async def pull(self, consumer: str, topic: str, limit: int = 100) -> Sequence[Entry]:
        """Return what the consumer has not consumed yet, in commit order."""
        standing = select(cursors.c.position).where(
            cursors.c.consumer == consumer, cursors.c.topic == topic
        )
        self._growth[consumer, topic] = self._database.growth(topic)
        async with self._database.read() as connection:
            before = (await connection.execute(standing)).scalar() or 0
            rows = await connection.execute(
                select(outbox)
                .where(outbox.c.topic == topic, outbox.c.position > before)
                .order_by(outbox.c.position)
                .limit(limit)
            )
            entries = []
            for row in rows.mappings():
                fields = dict(row)
                after = fields.pop("position")
                entries.append(
                    Entry(
                        consumer=consumer,
                        topic=topic,
                        before=str(before),
                        after=str(after),
                        message=Message(**fields),
                    )
                )
                before = after
            return entries

    async def wait(self, consumer: str, topic: str, seconds: float) -> None:
        """Return when the topic may have grown since the consumer's last pull."""
        growth = self._growth.get((consumer, topic)) or self._database.growth(topic)
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await growth.wait()
