"""The rows of tasks on SQL, and what a unit of work does with them.

A row is a task in one of four places. Tasks of a unit are rows of its own commit, and a handler's
unit takes the row out again: so nothing is ever done twice here. Over another queue (Redis) a unit
writes tasks into the outbox, and notes by their ids which ones have had their effect.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Float,
    Index,
    LargeBinary,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    and_,
    delete,
    select,
    tuple_,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncConnection

from meeting.kernel.clock import Clock
from meeting.kernel.ids import Ids
from meeting.kernel.letter import Held, Letter, Over
from meeting.kernel.queue import Place
from meeting.stores.relational.database import Database, metadata
from meeting.stores.relational.outbox import outbox
from meeting.stores.relational.types import BigKey, Exact, Moment
from meeting.stores.relational.upsert import upsert

tasks = Table(
    "queue_tasks",
    metadata,
    Column("number", BigKey, primary_key=True, autoincrement=True),
    Column("queue", String(64), nullable=False),
    Column("task_id", Exact(64), nullable=False),
    Column("lane", SmallInteger, nullable=False),
    Column("place", String(8), nullable=False),
    Column("body", LargeBinary, nullable=False),
    Column("key", String(200)),
    Column("written_at", Moment, nullable=False),
    Column("until", Moment, nullable=False),
    Column("owner", String(64), nullable=False),
    Column("fence", BigKey, nullable=False),
    Column("progress", Float, nullable=False),
    Column("fresh", SmallInteger, nullable=False),
    UniqueConstraint("queue", "task_id"),
    UniqueConstraint("queue", "key", name="uq_queue_tasks_key"),
    Index("ix_queue_tasks_next", "queue", "place", "lane", "fresh", "number"),
    Index("ix_queue_tasks_until", "queue", "place", "until"),
    sqlite_autoincrement=True,
)
"""`until`: the end of a hold, when a delayed one is due, when a dead one died.
`fresh`: 0 where it came back from a hold, a delay or the dead, and so is first in its lane.
"""

turns = Table(
    "queue_turns",
    metadata,
    Column("queue", String(64), primary_key=True),
    Column("turn", BigKey, nullable=False),
    Column("fence", BigKey, nullable=False),
)
"""How often each queue was taken from; who takes holds its row, so one takes at a time."""

settled = Table(
    "queue_settled",
    metadata,
    Column("queue", String(64), primary_key=True),
    Column("task_id", Exact(64), primary_key=True),
    Column("at", Moment, nullable=False, index=True),
)
"""Tasks of a queue elsewhere that have had their effect."""

SWEPT = 10_000
"""Rows that are forgotten in one commit."""


async def place(
    connection: AsyncConnection, queue: str, letters: Sequence[Letter], clock: Clock, ids: Ids
) -> int:
    """Lay tasks into their lanes; how many, less those whose id or key is there already."""
    if not letters:
        return 0
    now = clock.now()
    rows = []
    for letter in letters:
        whole = _dated(letter, now, ids)
        due = datetime.fromtimestamp(whole.not_before, tz=now.tzinfo)
        row = {
            "queue": queue,
            "task_id": whole.id,
            "lane": int(whole.lane),
            "place": Place.DELAYED if due > now else Place.WAITING,
            "body": whole.write(),
            "key": whole.key or None,
            "written_at": now,
            "until": max(due, now),
            "owner": "",
            "fence": 0,
            "progress": 0.0,
            "fresh": 1,
        }
        rows.append(row)
    dialect = sqlite if connection.dialect.name == "sqlite" else postgresql
    lay = dialect.insert(tasks).on_conflict_do_nothing().returning(tasks.c.number)
    return len((await connection.execute(lay, rows)).all())


def _dated(letter: Letter, now: datetime, ids: Ids) -> Letter:
    return msgspec.structs.replace(
        letter, id=letter.id or ids.new(), timestamp=letter.timestamp or int(now.timestamp())
    )


async def settle(connection: AsyncConnection, held: Held, clock: Clock) -> None:
    """End a task in the transaction of its effect; `Over` where that is not ours to do."""
    if held.here:
        done = await connection.execute(delete(tasks).where(hold([held])))
    else:
        row = {"queue": held.queue, "task_id": held.letter.id, "at": clock.now()}
        once = upsert(connection, settled, row, keys=["queue", "task_id"], replace=False)
        done = await connection.execute(once)
    if done.rowcount != 1:
        raise Over


class SqlEffects:
    """Satisfies `Effects` for queues elsewhere, whose tasks have their effect in this database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def had(self, queue: str, ids: Sequence[str]) -> Collection[str]:
        """Return which of these tasks were settled in their units."""
        able = [each for each in ids if "\0" not in each]  # a stranger's; PostgreSQL holds none
        wanted = select(settled.c.task_id)
        wanted = wanted.where(settled.c.queue == queue, settled.c.task_id.in_(able))
        async with self._database.read() as connection:
            return set(await connection.scalars(wanted))


async def sweep(database: Database, before: datetime) -> int:
    """Forget what was settled before a moment, a piece at most; how many.

    The moment must lie before all that a relay could still carry: the kept window and a day.
    """
    # What the outbox still holds can still be carried, however old it is.
    held = select(outbox.c.message_id).where(outbox.c.kind == "task")
    old = select(settled.c.queue, settled.c.task_id).where(
        settled.c.at < before, settled.c.task_id.not_in(held)
    )
    same = tuple_(settled.c.queue, settled.c.task_id).in_(old.order_by(settled.c.at).limit(SWEPT))
    async with database.write() as connection:
        return (await connection.execute(delete(settled).where(same))).rowcount


def topic(queue: str) -> str:
    """Name what wakes the workers of a queue."""
    return f"tasks of {queue}"


def this(queue: str, task_id: str) -> ColumnElement[bool]:
    """Match one task."""
    return and_(tasks.c.queue == queue, tasks.c.task_id == task_id)


def hold(held: Sequence[Held]) -> ColumnElement[bool]:
    """Match these very holds of one queue, over or not, as long as nobody else has them."""
    return and_(
        tasks.c.queue == held[0].queue,
        tasks.c.task_id.in_([each.letter.id for each in held]),
        tasks.c.place == Place.HELD,
        tuple_(tasks.c.task_id, tasks.c.fence).in_([name(each) for each in held]),
    )


def name(held: Held) -> tuple[str, int]:
    """Name a hold within its queue."""
    return held.letter.id, held.fence


def spans(held: Iterable[Held]) -> Iterable[tuple[float, list[Held]]]:
    """Part holds by how long they last, within each queue."""
    groups: dict[tuple[str, float], list[Held]] = defaultdict(list)
    for each in held:
        groups[each.queue, each.letter.hold].append(each)
    return [(span, group) for (_, span), group in groups.items()]
