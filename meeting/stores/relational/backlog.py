"""What an operator sees of the queues on SQL, and does with them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, delete, func, select, true, tuple_, union_all, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from meeting.kernel.clock import Clock
from meeting.kernel.lane import Lane
from meeting.kernel.letter import Letter, Unreadable, read
from meeting.kernel.queue import Depth, Place, Seen
from meeting.stores.relational.database import Database
from meeting.stores.relational.tasks import tasks, this, topic

PIECE = 500
"""Dead letters that are revived in one commit."""


class Backlog:
    """The half of `Queue` that is for whoever operates it."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def depth(self, queue: str) -> Depth:
        """Count what is where."""
        counted = select(tasks.c.place, tasks.c.lane, func.count())
        counted = counted.where(tasks.c.queue == queue).group_by(tasks.c.place, tasks.c.lane)
        heads = [
            select(tasks.c.written_at)
            .where(tasks.c.queue == queue, tasks.c.place == Place.WAITING)
            .where(tasks.c.lane == int(lane), tasks.c.fresh == fresh)
            .order_by(tasks.c.number)
            .limit(1)
            .subquery()
            for lane in Lane
            for fresh in (0, 1)
        ]
        async with self._database.read() as connection:
            rows = (await connection.execute(counted)).all()
            first = await connection.scalars(union_all(*(select(head) for head in heads)))
            oldest = min(first.all(), default=self._clock.now())
        totals = dict.fromkeys(Place, 0)
        waiting = dict.fromkeys(Lane, 0)
        for at, lane, number in rows:
            totals[Place(at)] += number
            if at == Place.WAITING:
                waiting[Lane(lane)] = number
        return Depth(
            waiting=waiting,
            held=totals[Place.HELD],
            delayed=totals[Place.DELAYED],
            dead=totals[Place.DEAD],
            oldest=(self._clock.now() - oldest).total_seconds(),
        )

    async def list(self, queue: str, place: Place, offset: int, limit: int) -> Sequence[Seen]:
        """Return tasks of one place, first those whose turn is next."""
        if place is Place.WAITING:
            by: tuple[ColumnElement[Any], ...] = (
                tasks.c.lane.desc(),
                tasks.c.fresh,
                tasks.c.number,
            )
        else:
            by = (tasks.c.until, tasks.c.number)
        wanted = select(tasks).where(tasks.c.queue == queue, tasks.c.place == place)
        async with self._database.read() as connection:
            rows = await connection.execute(wanted.order_by(*by).offset(offset).limit(limit))
            return [_seen(row) for row in rows]

    async def find(self, queue: str, task_id: str) -> Seen | None:
        """Return a task, wherever in its queue it is."""
        async with self._database.read() as connection:
            row = (await connection.execute(select(tasks).where(this(queue, task_id)))).first()
        return None if row is None else _seen(row)

    async def requeue(self, queue: str, task_id: str = "") -> int:
        """Give dead letters new attempts, all or one; how many."""
        count = 0
        after: ColumnElement[bool] = true()
        died = (tasks.c.until, tasks.c.number)
        while True:
            dead = select(*died).where(tasks.c.queue == queue, tasks.c.place == Place.DEAD, after)
            if task_id:
                dead = dead.where(tasks.c.task_id == task_id)
            async with self._database.write() as connection:
                some = dead.order_by(*died).limit(PIECE).with_for_update()
                rows = (await connection.execute(some)).all()
                for row in rows:
                    count += await self._revive(connection, row.number)
                await self._database.announce(connection, [topic(queue)])
            if len(rows) < PIECE:
                break
            after = tuple_(*died) > tuple_(*rows[-1])
        self._database.grew([topic(queue)])
        return count

    async def _revive(self, connection: AsyncConnection, number: int) -> bool:
        """Let one come back; False where it can't be read, or its key lives in another."""
        same = tasks.c.number == number
        body = await connection.scalar(select(tasks.c.body).where(same))
        try:
            letter = read(body or b"").revived()
        except Unreadable:
            return False
        values = moved(Place.WAITING, letter, self._clock.now()) | {"key": letter.key or None}
        try:
            async with connection.begin_nested():
                await connection.execute(update(tasks).where(same).values(**values))
        except IntegrityError:
            return False
        return True

    async def purge(self, queue: str, place: Place) -> int:
        """Throw away what waits, is delayed or is dead; how many."""
        if place is Place.HELD:
            return 0
        gone = delete(tasks).where(tasks.c.queue == queue, tasks.c.place == place)
        async with self._database.write() as connection:
            return (await connection.execute(gone)).rowcount


def moved(place: Place, letter: Letter, until: datetime) -> dict[str, Any]:
    """Return the columns of a task that is laid elsewhere, held by nobody."""
    values: dict[str, Any] = {"place": place, "body": letter.write(), "until": until}
    values |= {"owner": "", "fence": 0, "progress": 0.0, "fresh": 0}
    return values | ({"key": None} if place is Place.DEAD else {})


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
