"""Events that were laid aside: kept within a bound, and handled again where an operator asks.

An event that is to be handled again is given to its consumer by the feed, before what is new, as an
entry without a place in the log. The unit that handles it takes its row out in the same commit, as
it would move the cursor of another: so it has its effect once, and for that consumer alone.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import structlog
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Index,
    Integer,
    Row,
    String,
    Table,
    Text,
    and_,
    delete,
    exists,
    func,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from meeting.kernel.message import Entry, Message
from meeting.kernel.parked import Parked, Pile
from meeting.stores.relational.database import Database, metadata
from meeting.stores.relational.types import Moment
from meeting.stores.relational.upsert import upsert

parked = Table(
    "outbox_parked",
    metadata,
    Column("consumer", String(64), primary_key=True),
    Column("message_id", String(64), primary_key=True),
    Column("kind", String(8), nullable=False),
    Column("topic", String(64), nullable=False),
    Column("type", String(64), nullable=False),
    Column("source", String(32), nullable=False),
    Column("payload", JSON, nullable=False),
    Column("at", Moment, nullable=False),
    Column("error", Text, nullable=False),
    Column("attempts", Integer, nullable=False),
    Column("parked_at", Moment, nullable=False),
    Column("again", Boolean, nullable=False),
    Index("ix_outbox_parked_oldest", "consumer", "kind", "parked_at", "message_id"),
    Index("ix_outbox_parked_again", "consumer", "topic", "again", "parked_at"),
)

LISTENER = "listener"
"""Whose parked messages those are that nobody could read."""
MOST = {"event": 100_000, "foreign": 1000}
"""How many events of a kind a consumer keeps aside, the last ones. Foreign ones are few and apart:
anybody who reaches Redis can send them, and must neither fill the disk nor push out our own."""
ERROR = 2000
"""Characters."""

log = structlog.get_logger(__name__)


async def lay(
    connection: AsyncConnection,
    consumer: str,
    messages: Sequence[Message],
    errors: Sequence[str],
    attempts: int,
    now: datetime,
) -> None:
    """Lay messages of one kind aside; the oldest go, loudly, where there are too many.

    A stranger's id may come again, once the outbox has forgotten it: then the last one is kept.
    """
    for message, error in zip(messages, errors, strict=True):
        row = {
            "consumer": consumer,
            "message_id": message.message_id,
            "kind": message.kind,
            "topic": message.topic,
            "type": message.type,
            "source": message.source,
            "payload": message.payload,
            "at": message.at,
            "error": _text(error),
            "attempts": attempts,
            "parked_at": now,
            "again": False,
        }
        keys = ["consumer", "message_id"]
        await connection.execute(upsert(connection, parked, row, keys=keys, replace=True))
    kind = messages[-1].kind
    mine = and_(parked.c.consumer == consumer, parked.c.kind == kind)
    order = parked.c.parked_at.desc(), parked.c.message_id.desc()
    last = select(parked.c.parked_at, parked.c.message_id).where(mine).order_by(*order)
    row_ = (await connection.execute(last.offset(MOST[kind]).limit(1))).first()
    if row_ is not None:
        since, name = row_
        older = or_(
            parked.c.parked_at < since,
            and_(parked.c.parked_at == since, parked.c.message_id <= name),
        )
        gone = await connection.execute(delete(parked).where(mine, older))
        log.error(
            "parked events are thrown away: there are too many",
            consumer=consumer,
            kind=kind,
            most=MOST[kind],
            number=gone.rowcount,
        )


def asked(consumer: str, topic: str) -> ColumnElement[bool]:
    """Tell, within a query, whether a consumer is to handle something again."""
    return exists().where(_marked(consumer, topic))


async def again(connection: AsyncConnection, consumer: str, topic: str) -> Entry | None:
    """Return what a consumer is to handle again, the one that lies aside the longest."""
    first = select(parked).where(_marked(consumer, topic)).order_by(parked.c.parked_at).limit(1)
    row = (await connection.execute(first)).first()
    if row is None:
        return None
    message = _seen(row).message
    return Entry(consumer=consumer, topic=topic, before="", after="", parked=True, message=message)


async def handled(connection: AsyncConnection, entry: Entry) -> bool:
    """Take out what has been handled after all; False where it was not there to be handled."""
    gone = delete(parked).where(_one(entry.consumer, entry.message.message_id), parked.c.again)
    return (await connection.execute(gone)).rowcount == 1


async def failed(connection: AsyncConnection, entry: Entry, error: str, attempts: int) -> bool:
    """Leave aside what failed again; False where it was not there to be handled."""
    same = _one(entry.consumer, entry.message.message_id)
    values = {
        "again": False,
        "error": _text(error),
        "attempts": parked.c.attempts + attempts,
    }
    left = update(parked).where(same, parked.c.again).values(**values)
    return (await connection.execute(left)).rowcount == 1


class SqlAside:
    """Satisfies `Aside`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def count(self) -> Sequence[Pile]:
        """Count what lies aside, by consumer and topic."""
        by = parked.c.consumer, parked.c.topic
        wanted = select(*by, func.count().label("events")).group_by(*by).order_by(*by)
        async with self._database.read() as connection:
            rows = await connection.execute(wanted)
            return [Pile(**row) for row in rows.mappings()]

    async def list(self, consumer: str, offset: int, limit: int) -> Sequence[Parked]:
        """Return what one consumer has laid aside, or with '' any, the longest ago first."""
        wanted = select(parked).where(_of(consumer) if consumer else true())
        wanted = wanted.order_by(parked.c.parked_at, parked.c.consumer, parked.c.message_id)
        async with self._database.read() as connection:
            rows = await connection.execute(wanted.offset(offset).limit(limit))
            return [_seen(row) for row in rows]

    async def find(self, consumer: str, message_id: str) -> Parked | None:
        """Return one."""
        async with self._database.read() as connection:
            wanted = select(parked).where(_one(consumer, message_id))
            row = (await connection.execute(wanted)).first()
        return None if row is None else _seen(row)

    async def requeue(self, consumer: str, message_id: str = "") -> int:
        """Have a consumer handle one event once more, or all that it has; how many."""
        mine = and_(_of(consumer, message_id), parked.c.consumer != LISTENER)
        async with self._database.write() as connection:
            topics = (await connection.execute(select(parked.c.topic).where(mine).distinct())).all()
            marked = await connection.execute(update(parked).where(mine).values(again=True))
            grown = [topic for (topic,) in topics]
            if grown:
                await self._database.announce(connection, grown)
        self._database.grew(grown)
        return marked.rowcount

    async def purge(self, consumer: str, message_id: str = "") -> int:
        """Throw one away, or all that a consumer has; how many."""
        async with self._database.write() as connection:
            gone = delete(parked).where(_of(consumer, message_id))
            return (await connection.execute(gone)).rowcount


def _of(consumer: str, message_id: str = "") -> ColumnElement[bool]:
    return _one(consumer, message_id) if message_id else parked.c.consumer == consumer


def _one(consumer: str, message_id: str) -> ColumnElement[bool]:
    return and_(parked.c.consumer == consumer, parked.c.message_id == message_id)


def _marked(consumer: str, topic: str) -> ColumnElement[bool]:
    return and_(parked.c.consumer == consumer, parked.c.topic == topic, parked.c.again)


def _text(error: str) -> str:
    """Return an error as any database takes it: it may quote what a stranger has sent."""
    return error[:ERROR].encode(errors="replace").decode().replace("\0", "\ufffd")


def _seen(row: Row[Any]) -> Parked:
    names = ("kind", "topic", "type", "source", "payload", "at", "message_id")
    message = Message(**{name: getattr(row, name) for name in names})
    return Parked(
        consumer=row.consumer,
        message=message,
        error=row.error,
        attempts=row.attempts,
        parked_at=row.parked_at,
        again=row.again,
    )
