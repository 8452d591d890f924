"""The queues of tasks on SQL: the `Queue` port, and what a unit of work does with tasks.

A row is a task in one of four places. Tasks of a unit are rows of its own commit, and a handler's
unit takes the row out again: so nothing is ever done twice here. Over another queue (Redis) a unit
writes tasks into the outbox, and notes by their ids which ones have had their effect.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import (
    Column,
    ColumnElement,
    Float,
    Index,
    LargeBinary,
    Row,
    SmallInteger,
    String,
    Table,
    UniqueConstraint,
    and_,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from meeting.kernel.clock import Clock
from meeting.kernel.ids import Ids
from meeting.kernel.lane import Lane, order
from meeting.kernel.letter import Held, Letter, Over, Unreadable, read
from meeting.kernel.queue import Depth, Place, Seen
from meeting.stores.relational.database import Database, metadata
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
    UniqueConstraint("queue", "task_id"),
    UniqueConstraint("queue", "key", name="uq_queue_tasks_key"),
    Index("ix_queue_tasks_next", "queue", "place", "lane", "number"),
    Index("ix_queue_tasks_until", "queue", "place", "until"),
    sqlite_autoincrement=True,
)
"""`until`: the end of a hold, when a delayed one is due, when a dead one died."""

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

LAPSED = "its hold was over before it was done"
BATCH = 100
"""Holds that are over, and rows that are changed, at one time."""
LOOK_SECONDS = 0.25
"""How soon a task of another process, a due one or a lapsed one is noticed."""
LIVING = (Place.WAITING, Place.HELD, Place.DELAYED)


async def place(
    connection: AsyncConnection, queue: str, letters: Sequence[Letter], clock: Clock, ids: Ids
) -> int:
    """Lay tasks into their lanes; how many, less those whose id or key is there already."""
    laid = 0
    now = clock.now()
    for letter in letters:
        whole = dated(letter, now, ids)
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
        }
        statement = upsert(connection, tasks, row, keys=[], replace=False)
        laid += (await connection.execute(statement)).rowcount
    return laid


def dated(letter: Letter, now: datetime, ids: Ids) -> Letter:
    """Return the letter with the id and the moment that it may lack."""
    return msgspec.structs.replace(
        letter, id=letter.id or ids.new(), timestamp=letter.timestamp or int(now.timestamp())
    )


async def settle(connection: AsyncConnection, held: Held, clock: Clock) -> None:
    """End a task in the transaction of its effect; `Over` where that is not ours to do."""
    if held.here:
        done = await connection.execute(delete(tasks).where(_hold(held)))
    else:
        row = {"queue": held.queue, "task_id": held.letter.id, "at": clock.now()}
        once = upsert(connection, settled, row, keys=["queue", "task_id"], replace=False)
        done = await connection.execute(once)
    if done.rowcount != 1:
        raise Over


class SqlQueue:
    """Satisfies `Queue`; the time is that of the process, by its injected clock."""

    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._growth: dict[str, asyncio.Event] = {}
        """What a worker waits for on a queue: growth since just before its last take."""

    async def put(self, queue: str, letters: Sequence[Letter]) -> int:
        """Lay tasks into their lanes, all or none; how many were new."""
        async with self._database.write() as connection:
            await self._database.announce(connection, [topic(queue)])
            laid = await place(connection, queue, letters, self._clock, self._ids)
        self._database.grew([topic(queue)])
        return laid

    async def take(self, queue: str, owner: str, limit: int) -> Sequence[Held]:
        """Take up to `limit` tasks; the writer is not troubled where there is nothing."""
        self._growth[queue] = self._database.growth(topic(queue))
        now = self._clock.now()
        ready = or_(
            tasks.c.place == Place.WAITING,
            and_(tasks.c.place.in_((Place.HELD, Place.DELAYED)), tasks.c.until <= now),
        )
        async with self._database.read() as connection:
            some = select(tasks.c.number).where(tasks.c.queue == queue, ready).limit(1)
            if (await connection.execute(some)).first() is None:
                return []
        async with self._database.write() as connection:
            turn, fence = await self._turn(connection, queue)
            await self._return(connection, queue, now)
            numbers, turn = await _chosen(connection, queue, turn, limit)
            rows = await connection.execute(
                select(tasks).where(tasks.c.number.in_(numbers)).with_for_update()
            )
            found = {row.number: row for row in rows}
            held = []
            for number in numbers:
                taken = await self._hold(connection, found[number], owner, fence + 1, now)
                held += [] if taken is None else [taken]
            counted = update(turns).where(turns.c.queue == queue)
            await connection.execute(counted.values(turn=turn, fence=fence + 1))
        return held

    async def _turn(self, connection: AsyncConnection, queue: str) -> tuple[int, int]:
        """Wait until it is our turn to take; how often this was done, and the last fence."""
        begun = {"queue": queue, "turn": 0, "fence": 0}
        await connection.execute(upsert(connection, turns, begun, keys=["queue"], replace=False))
        mine = select(turns.c.turn, turns.c.fence).where(turns.c.queue == queue).with_for_update()
        row = (await connection.execute(mine)).one()
        return row.turn, row.fence

    async def _return(self, connection: AsyncConnection, queue: str, now: datetime) -> None:
        """Bring back what is due, and what was held too long: that attempt has failed."""
        of_queue = and_(tasks.c.queue == queue, tasks.c.until <= now)
        due = update(tasks).where(of_queue, tasks.c.place == Place.DELAYED)
        await connection.execute(due.values(place=Place.WAITING))
        lapsed = select(tasks).where(of_queue, tasks.c.place == Place.HELD).limit(BATCH)
        for row in (await connection.execute(lapsed.with_for_update())).all():
            letter = read(row.body).failed(LAPSED, now.timestamp())
            if letter.spent:
                await _move(connection, row.number, Place.DEAD, letter.buried(LAPSED, now), now)
            else:
                await _move(connection, row.number, Place.WAITING, letter, now)

    async def _hold(
        self, connection: AsyncConnection, row: Row[Any], owner: str, fence: int, now: datetime
    ) -> Held | None:
        letter = read(row.body)
        until = now + timedelta(seconds=letter.visibility_timeout)
        changed = {"place": Place.HELD, "owner": owner, "fence": fence, "until": until}
        await connection.execute(
            update(tasks).where(tasks.c.number == row.number).values(**changed)
        )
        return Held(
            queue=row.queue,
            lane=Lane(row.lane),
            letter=msgspec.structs.replace(letter, processing_start_time=int(now.timestamp())),
            owner=owner,
            fence=fence,
            here=True,
        )

    async def extend(self, held: Sequence[Held]) -> Sequence[Held]:
        """Let holds last from now on; return those that are lost."""
        lost = []
        now = self._clock.now()
        async with self._database.write() as connection:
            for each in held:
                until = now + timedelta(seconds=each.letter.visibility_timeout)
                longer = update(tasks).where(_hold(each), tasks.c.until > now).values(until=until)
                if (await connection.execute(longer)).rowcount != 1:
                    lost.append(each)
        return lost

    async def settle(self, held: Sequence[Held]) -> Sequence[Held]:
        """End tasks whose work is done; those that their handlers have settled are gone already."""
        async with self._database.read() as connection:
            left = {}
            for each in held:
                same = _this(each.queue, each.letter.id)
                fence = select(tasks.c.fence).where(same, tasks.c.place != Place.DEAD)
                if (found := (await connection.execute(fence)).scalar()) is not None:
                    left[each.queue, each.letter.id] = found
        lost = [each for each in held if left.get(_name(each), each.fence) != each.fence]
        mine = [each for each in held if left.get(_name(each)) == each.fence]
        if mine:
            async with self._database.write() as connection:
                for each in mine:
                    gone = await connection.execute(delete(tasks).where(_hold(each)))
                    lost += [] if gone.rowcount else [each]
        return lost

    async def fail(self, held: Held, error: str, delay: float | None) -> bool:
        """Give up an attempt: again in `delay` seconds, or to the dead letters."""
        now = self._clock.now()
        letter = held.letter.failed(error, now.timestamp())
        if delay is None:
            values = _values(Place.DEAD, letter.buried(error, now), now)
        else:
            values = _values(Place.DELAYED, letter, now + timedelta(seconds=delay))
        async with self._database.write() as connection:
            done = await connection.execute(update(tasks).where(_hold(held)).values(**values))
        return done.rowcount == 1

    async def release(self, held: Sequence[Held]) -> None:
        """Give tasks back as if they had not been taken."""
        if not held:
            return
        async with self._database.write() as connection:
            for each in held:
                back = {"place": Place.WAITING, "owner": "", "fence": 0, "progress": 0.0}
                await connection.execute(update(tasks).where(_hold(each)).values(**back))
            grown = {topic(each.queue) for each in held}
            await self._database.announce(connection, grown)
        self._database.grew(grown)

    async def cancel(self, queue: str, task_id: str) -> None:
        """Take a task out, wherever it is, but for the dead."""
        living = and_(_this(queue, task_id), tasks.c.place.in_(LIVING))
        async with self._database.write() as connection:
            await connection.execute(delete(tasks).where(living))

    async def progress(self, held: Held, fraction: float) -> None:
        """Show how far a running task is."""
        async with self._database.write() as connection:
            shown = update(tasks).where(_hold(held)).values(progress=fraction)
            await connection.execute(shown)

    async def wait(self, queues: Sequence[str], seconds: float) -> None:
        """Return when there may be something to take."""
        grown = [
            asyncio.ensure_future(
                (self._growth.get(queue) or self._database.growth(topic(queue))).wait()
            )
            for queue in queues
        ]
        try:
            seconds = min(seconds, LOOK_SECONDS)
            await asyncio.wait(grown, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in grown:
                each.cancel()
            with suppress(asyncio.CancelledError):
                await asyncio.gather(*grown, return_exceptions=True)

    async def depth(self, queue: str) -> Depth:
        """Count what is where."""
        counted = select(tasks.c.place, tasks.c.lane, func.count(), func.min(tasks.c.written_at))
        counted = counted.where(tasks.c.queue == queue).group_by(tasks.c.place, tasks.c.lane)
        async with self._database.read() as connection:
            rows = (await connection.execute(counted)).all()
        totals = dict.fromkeys(Place, 0)
        waiting = dict.fromkeys(Lane, 0)
        oldest = now = self._clock.now()
        for at, lane, number, since in rows:
            totals[Place(at)] += number
            if at == Place.WAITING:
                waiting[Lane(lane)] = number
                oldest = min(oldest, since)
        return Depth(
            waiting=waiting,
            held=totals[Place.HELD],
            delayed=totals[Place.DELAYED],
            dead=totals[Place.DEAD],
            oldest=(now - oldest).total_seconds(),
        )

    async def list(self, queue: str, place: Place, offset: int, limit: int) -> Sequence[Seen]:
        """Return tasks of one place, first those whose turn is next."""
        if place is Place.WAITING:
            by: tuple[ColumnElement[Any], ...] = (tasks.c.lane.desc(), tasks.c.number)
        else:
            by = (tasks.c.until, tasks.c.number)
        wanted = select(tasks).where(tasks.c.queue == queue, tasks.c.place == place)
        async with self._database.read() as connection:
            rows = await connection.execute(wanted.order_by(*by).offset(offset).limit(limit))
            return [_seen(row) for row in rows]

    async def find(self, queue: str, task_id: str) -> Seen | None:
        """Return a task, wherever in its queue it is."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(tasks).where(_this(queue, task_id)))).first()
        return None if row is None else _seen(row)

    async def requeue(self, queue: str, task_id: str = "") -> int:
        """Give dead letters new attempts, all or one; how many."""
        wanted = select(tasks).where(tasks.c.queue == queue, tasks.c.place == Place.DEAD)
        if task_id:
            wanted = wanted.where(tasks.c.task_id == task_id)
        now = self._clock.now()
        count = 0
        async with self._database.write() as connection:
            for row in (await connection.execute(wanted.with_for_update())).all():
                with suppress(Unreadable):
                    letter = read(row.body).revived()
                    await _move(connection, row.number, Place.WAITING, letter, now)
                    count += 1
            await self._database.announce(connection, [topic(queue)])
        self._database.grew([topic(queue)])
        return count

    async def purge(self, queue: str, place: Place) -> int:
        """Throw away what waits, is delayed or is dead; how many."""
        if place is Place.HELD:
            return 0
        gone = delete(tasks).where(tasks.c.queue == queue, tasks.c.place == place)
        async with self._database.write() as connection:
            return (await connection.execute(gone)).rowcount


def topic(queue: str) -> str:
    """Name what wakes the workers of a queue."""
    return f"tasks of {queue}"


async def _chosen(
    connection: AsyncConnection, queue: str, turn: int, limit: int
) -> tuple[list[int], int]:
    """Choose whose turn it is; the rows by number, and the turn after them."""
    waiting: dict[Lane, list[int]] = {}
    for lane in Lane:
        first = select(tasks.c.number).where(
            tasks.c.queue == queue, tasks.c.place == Place.WAITING, tasks.c.lane == int(lane)
        )
        rows = await connection.execute(first.order_by(tasks.c.number).limit(limit))
        waiting[lane] = [row.number for row in rows]
    chosen: list[int] = []
    while len(chosen) < limit and any(waiting.values()):
        lane = next(lane for lane in order(turn) if waiting[lane])
        chosen.append(waiting[lane].pop(0))
        turn += 1
    return chosen, turn


def _values(place: Place, letter: Letter, until: datetime) -> dict[str, Any]:
    values: dict[str, Any] = {"place": place, "body": letter.write(), "until": until}
    values |= {"owner": "", "fence": 0, "progress": 0.0}
    return values | ({"key": None} if place is Place.DEAD else {})


async def _move(
    connection: AsyncConnection, number: int, place: Place, letter: Letter, until: datetime
) -> None:
    values = _values(place, letter, until)
    await connection.execute(update(tasks).where(tasks.c.number == number).values(**values))


def _this(queue: str, task_id: str) -> ColumnElement[bool]:
    return and_(tasks.c.queue == queue, tasks.c.task_id == task_id)


def _hold(held: Held) -> ColumnElement[bool]:
    """Match this very hold, whether its time is over or not, as long as nobody else has it."""
    same = _this(held.queue, held.letter.id)
    return and_(same, tasks.c.place == Place.HELD, tasks.c.fence == held.fence)


def _name(held: Held) -> tuple[str, str]:
    return held.queue, held.letter.id


def _seen(row: Row[Any]) -> Seen:
    return Seen(
        id=row.task_id,
        place=Place(row.place),
        lane=Lane(row.lane),
        body=row.body,
        owner=row.owner,
        until=row.until.timestamp(),
        progress=row.progress,
    )
