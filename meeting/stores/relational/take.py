"""A take from a queue on SQL: what has come back to it, whose turn it is, and who holds it now."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncConnection

from meeting.kernel.lane import Lane, order
from meeting.kernel.letter import LAPSED, SPENT, Held, Unreadable, read, unread
from meeting.kernel.queue import Place
from meeting.stores.relational.backlog import moved
from meeting.stores.relational.tasks import spans, tasks, turns
from meeting.stores.relational.upsert import upsert

BATCH = 100
"""Holds that are over, and tasks that are given out, at one time."""


class Take:
    """One take in its transaction: `begin`, `gather` what has come back, and `give` it out."""

    def __init__(self, connection: AsyncConnection, queue: str, now: datetime) -> None:
        self._connection = connection
        self._queue = queue
        self._now = now
        self._turn = self._fence = 0

    async def begin(self) -> None:
        """Wait until nobody else takes from this queue, and draw a new fence."""
        mine = update(turns).where(turns.c.queue == self._queue).values(fence=turns.c.fence + 1)
        mine = mine.returning(turns.c.turn, turns.c.fence)
        if (row := (await self._connection.execute(mine)).first()) is None:
            begun = {"queue": self._queue, "turn": 0, "fence": 0}
            first = upsert(self._connection, turns, begun, keys=["queue"], replace=False)
            await self._connection.execute(first)
            row = (await self._connection.execute(mine)).one()
        self._turn, self._fence = row.turn, row.fence

    async def gather(self, found: Collection[str]) -> None:
        """Bring back what is due, and what was held too long, if `ready` has found any."""
        if Place.DELAYED in found:
            due = _late(self._queue, Place.DELAYED, self._now)
            back = update(tasks).where(due).values(place=Place.WAITING, fresh=0)
            await self._connection.execute(back)
        if Place.HELD in found:
            await self._lapse()

    async def _lapse(self) -> None:
        """Bring back what was held too long: that attempt has failed.

        What another transaction has in its hands, most likely to settle it, is passed over.
        """
        late = _late(self._queue, Place.HELD, self._now)
        lapsed = select(tasks.c.number, tasks.c.body).where(late)
        lapsed = lapsed.order_by(tasks.c.until).limit(BATCH).with_for_update(skip_locked=True)
        for number, body in (await self._connection.execute(lapsed)).all():
            letter = read(body).failed(LAPSED, self._now.timestamp())
            if letter.spent:
                values = moved(Place.DEAD, letter.buried(LAPSED, self._now), self._now)
            else:
                values = moved(Place.WAITING, letter, self._now)
            await self._lay(number, values)

    async def give(self, owner: str, limit: int) -> Sequence[Held]:
        """Let `owner` hold up to `limit` tasks whose turn it is."""
        held: list[Held] = []
        while wanted := min(limit, BATCH) - len(held):
            numbers = await self._chosen(wanted)
            mine = select(tasks).where(tasks.c.number.in_(numbers))
            mine = mine.with_for_update(skip_locked=True)
            rows = (await self._connection.execute(mine)).all()
            rows = sorted(rows, key=lambda row: numbers.index(row.number))
            some = [each for row in rows if (each := await self._open(row))]
            some = [msgspec.structs.replace(h, owner=owner, fence=self._fence) for h in some]
            await self._keep(some)
            held += some
            # Once more only where something was in the way of what might be given out.
            if len(some) == len(rows):
                break
        counted = update(turns).where(turns.c.queue == self._queue)
        await self._connection.execute(counted.values(turn=self._turn))
        return held

    async def _chosen(self, limit: int) -> list[int]:
        """Choose whose turn it is; the rows by number."""
        waits = (tasks.c.queue == self._queue) & (tasks.c.place == Place.WAITING)
        lanes = [
            select(tasks.c.lane, tasks.c.fresh, tasks.c.number)
            .where(waits, tasks.c.lane == int(lane))
            .order_by(tasks.c.fresh, tasks.c.number)
            .limit(limit)
            .subquery()
            for lane in Lane
        ]
        rows = await self._connection.execute(union_all(*(select(lane) for lane in lanes)))
        waiting: dict[Lane, list[int]] = {lane: [] for lane in Lane}
        for lane, _fresh, number in sorted(rows.all()):
            waiting[Lane(lane)].append(number)
        chosen: list[int] = []
        while len(chosen) < limit and any(waiting.values()):
            lane = next(lane for lane in order(self._turn) if waiting[lane])
            chosen.append(waiting[lane].pop(0))
            self._turn += 1
        return chosen

    async def _open(self, row: Row[Any]) -> Held | None:
        """Read a task that is to be given out; what has no attempt left is laid with the dead."""
        try:
            letter = read(row.body)
        except Unreadable as error:
            dead = {"body": unread(row.body, str(error)), "place": Place.DEAD, "until": self._now}
            values: dict[str, Any] = dead | {"key": None}
        else:
            if not letter.spent:
                begun = int(self._now.timestamp())
                letter = msgspec.structs.replace(
                    letter, id=row.task_id, processing_start_time=begun
                )
                fields = {"queue": row.queue, "lane": Lane(row.lane), "letter": letter}
                return Held(**fields, owner="", fence=0, here=True)
            values = moved(Place.DEAD, letter.buried(SPENT, self._now), self._now)
        await self._lay(row.number, values)
        return None

    async def _lay(self, number: int, values: dict[str, Any]) -> None:
        """Lay a task elsewhere."""
        await self._connection.execute(
            update(tasks).where(tasks.c.number == number).values(**values)
        )

    async def _keep(self, held: Sequence[Held]) -> None:
        """Write down who holds what, and until when."""
        for span, group in spans(held):
            mine = update(tasks).where(
                tasks.c.queue == group[0].queue, tasks.c.task_id.in_([h.letter.id for h in group])
            )
            lasting = {"until": self._now + timedelta(seconds=span), "progress": 0.0}
            lasting |= {"owner": group[0].owner, "fence": group[0].fence}
            await self._connection.execute(mine.values(place=Place.HELD, **lasting))


def ready(queue: str, now: datetime) -> Any:
    """Ask in which places there is something for a take.

    The order is for the planner: without it PostgreSQL would rather read the table from its start,
    which is where the dead lie.
    """
    waits = (tasks.c.queue == queue) & (tasks.c.place == Place.WAITING)
    found = [select(tasks.c.place).where(waits).order_by(tasks.c.lane)]
    for at in (Place.DELAYED, Place.HELD):
        found += [select(tasks.c.place).where(_late(queue, at, now)).order_by(tasks.c.until)]
    return union_all(*(select(each.limit(1).subquery()) for each in found))


def _late(queue: str, at: Place, now: datetime) -> ColumnElement[bool]:
    return (tasks.c.queue == queue) & (tasks.c.place == at) & (tasks.c.until <= now)
