"""The queues of tasks on SQL: the `Queue` port over the rows of `tasks`."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, delete, select, union_all, update
from sqlalchemy.ext.asyncio import AsyncConnection

from meeting.kernel.clock import Clock
from meeting.kernel.ids import Ids
from meeting.kernel.lane import Lane, order
from meeting.kernel.letter import LAPSED, SPENT, Held, Letter, Unreadable, read, unread
from meeting.kernel.queue import Place
from meeting.stores.relational.backlog import Backlog, moved
from meeting.stores.relational.database import Database
from meeting.stores.relational.tasks import hold, name, place, tasks, this, topic, turns
from meeting.stores.relational.upsert import upsert

BATCH = 100
"""Holds that are over, and tasks that are given out, at one time."""
LOOK_SECONDS = 0.25
"""How soon a task of another process, a due one or a lapsed one is noticed."""
LIVING = (Place.WAITING, Place.HELD, Place.DELAYED)


class SqlQueue(Backlog):
    """Satisfies `Queue`; the time is that of the process, by its injected clock."""

    def __init__(self, database: Database, clock: Clock, ids: Ids) -> None:
        super().__init__(database, clock)
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

    async def take(
        self, queue: str, owner: str, limit: int, done: Sequence[Held] = ()
    ) -> Sequence[Held]:
        """End what is done and take up to `limit`; the writer is not troubled for nothing."""
        self._growth[queue] = self._database.growth(topic(queue))
        now = self._clock.now()
        async with self._database.read() as connection:
            found = set(await connection.scalars(_ready(queue, now)))
        if not found or limit <= 0:
            await self.settle(done)
            return []
        async with self._database.write() as connection:
            turn, fence = await self._turn(connection, queue)
            if done:
                await connection.execute(delete(tasks).where(hold(done)))
            if Place.DELAYED in found:
                due = _late(queue, Place.DELAYED, now)
                back = update(tasks).where(due).values(place=Place.WAITING, fresh=0)
                await connection.execute(back)
            if Place.HELD in found:
                await self._lapse(connection, queue, now)
            held: list[Held] = []
            while wanted := min(limit, BATCH) - len(held):
                numbers, turn = await _chosen(connection, queue, turn, wanted)
                mine = select(tasks).where(tasks.c.number.in_(numbers))
                rows = (await connection.execute(mine.with_for_update(skip_locked=True))).all()
                rows = sorted(rows, key=lambda row: numbers.index(row.number))
                some = [each for row in rows if (each := await self._open(connection, row, now))]
                some = [msgspec.structs.replace(h, owner=owner, fence=fence) for h in some]
                await _keep(connection, some, now)
                held += some
                # Once more only where something was in the way of what might be given out.
                if len(some) == len(rows):
                    break
            counted = update(turns).where(turns.c.queue == queue)
            await connection.execute(counted.values(turn=turn))
        return held

    async def _turn(self, connection: AsyncConnection, queue: str) -> tuple[int, int]:
        """Wait until it is our turn to take; how often this was done, and a new fence."""
        mine = update(turns).where(turns.c.queue == queue).values(fence=turns.c.fence + 1)
        mine = mine.returning(turns.c.turn, turns.c.fence)
        if (row := (await connection.execute(mine)).first()) is None:
            begun = {"queue": queue, "turn": 0, "fence": 0}
            first = upsert(connection, turns, begun, keys=["queue"], replace=False)
            await connection.execute(first)
            row = (await connection.execute(mine)).one()
        return row.turn, row.fence

    async def _lapse(self, connection: AsyncConnection, queue: str, now: datetime) -> None:
        """Bring back what was held too long: that attempt has failed.

        What another transaction has in its hands, most likely to settle it, is passed over.
        """
        lapsed = select(tasks.c.number, tasks.c.body).where(_late(queue, Place.HELD, now))
        lapsed = lapsed.order_by(tasks.c.until).limit(BATCH).with_for_update(skip_locked=True)
        for number, body in (await connection.execute(lapsed)).all():
            letter = read(body).failed(LAPSED, now.timestamp())
            if letter.spent:
                values = moved(Place.DEAD, letter.buried(LAPSED, now), now)
            else:
                values = moved(Place.WAITING, letter, now)
            await connection.execute(update(tasks).where(tasks.c.number == number).values(**values))

    async def _open(self, connection: AsyncConnection, row: Row[Any], now: datetime) -> Held | None:
        """Read a task that is to be given out; what has no attempt left is laid with the dead."""
        try:
            letter = read(row.body)
        except Unreadable as error:
            dead = {"body": unread(row.body, str(error)), "place": Place.DEAD, "until": now}
            values: dict[str, Any] = dead | {"key": None}
        else:
            if not letter.spent:
                begun = int(now.timestamp())
                letter = msgspec.structs.replace(
                    letter, id=row.task_id, processing_start_time=begun
                )
                fields = {"queue": row.queue, "lane": Lane(row.lane), "letter": letter}
                return Held(**fields, owner="", fence=0, here=True)
            values = moved(Place.DEAD, letter.buried(SPENT, now), now)
        await connection.execute(update(tasks).where(tasks.c.number == row.number).values(**values))
        return None

    async def extend(self, held: Sequence[Held]) -> Sequence[Held]:
        """Let holds last from now on; return those that are lost."""
        if not held:
            return []
        now = self._clock.now()
        kept = set()
        async with self._database.write() as connection:
            for span, group in _spans(held):
                longer = update(tasks).where(hold(group), tasks.c.until > now)
                longer = longer.values(until=now + timedelta(seconds=span))
                rows = await connection.execute(longer.returning(tasks.c.queue, *NAME))
                kept |= {tuple(row) for row in rows}
        return [each for each in held if (each.queue, *name(each)) not in kept]

    async def settle(self, held: Sequence[Held]) -> Sequence[Held]:
        """End tasks whose work is done; those that their handlers have settled are gone already."""
        lost: list[Held] = []
        for queue, group in _queues(held):
            there = select(*NAME).where(tasks.c.queue == queue)
            there = there.where(tasks.c.task_id.in_([each.letter.id for each in group]))
            async with self._database.read() as connection:
                left = {row.task_id: row.fence for row in await connection.execute(there)}
            lost += [each for each in group if left.get(each.letter.id, each.fence) != each.fence]
            mine = [each for each in group if left.get(each.letter.id) == each.fence]
            if mine:
                async with self._database.write() as connection:
                    gone = delete(tasks).where(hold(mine)).returning(*NAME)
                    ended = {tuple(row) for row in await connection.execute(gone)}
                lost += [each for each in mine if name(each) not in ended]
        return lost

    async def fail(self, held: Held, error: str, delay: float | None) -> bool:
        """Give up an attempt: again in `delay` seconds, or to the dead letters."""
        now = self._clock.now()
        letter = held.letter.failed(error, now.timestamp())
        if delay is None:
            values = moved(Place.DEAD, letter.buried(error, now), now)
        else:
            values = moved(Place.DELAYED, letter, now + timedelta(seconds=delay))
        async with self._database.write() as connection:
            done = await connection.execute(update(tasks).where(hold([held])).values(**values))
        return done.rowcount == 1

    async def release(self, held: Sequence[Held]) -> None:
        """Give tasks back as if they had not been taken."""
        back = {"place": Place.WAITING, "owner": "", "fence": 0, "progress": 0.0, "fresh": 0}
        for queue, group in _queues(held):
            async with self._database.write() as connection:
                await connection.execute(update(tasks).where(hold(group)).values(**back))
                await self._database.announce(connection, [topic(queue)])
            self._database.grew([topic(queue)])

    async def cancel(self, queue: str, task_id: str) -> None:
        """Take a task out, wherever it is, but for the dead."""
        living = this(queue, task_id) & tasks.c.place.in_(LIVING)
        async with self._database.write() as connection:
            await connection.execute(delete(tasks).where(living))

    async def progress(self, held: Held, fraction: float) -> None:
        """Show how far a running task is."""
        async with self._database.write() as connection:
            shown = update(tasks).where(hold([held])).values(progress=fraction)
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


NAME = (tasks.c.task_id, tasks.c.fence)


def _late(queue: str, at: Place, now: datetime) -> ColumnElement[bool]:
    return (tasks.c.queue == queue) & (tasks.c.place == at) & (tasks.c.until <= now)


def _ready(queue: str, now: datetime) -> Any:
    """Ask in which places there is something for a take.

    The order is for the planner: without it PostgreSQL would rather read the table from its start,
    which is where the dead lie.
    """
    waits = (tasks.c.queue == queue) & (tasks.c.place == Place.WAITING)
    found = [select(tasks.c.place).where(waits).order_by(tasks.c.lane)]
    for at in (Place.DELAYED, Place.HELD):
        found += [select(tasks.c.place).where(_late(queue, at, now)).order_by(tasks.c.until)]
    return union_all(*(select(each.limit(1).subquery()) for each in found))


async def _keep(connection: AsyncConnection, held: Sequence[Held], now: datetime) -> None:
    """Write down who holds what, and until when."""
    for span, group in _spans(held):
        mine = update(tasks).where(
            tasks.c.queue == group[0].queue, tasks.c.task_id.in_([h.letter.id for h in group])
        )
        lasting = {"until": now + timedelta(seconds=span), "progress": 0.0}
        lasting |= {"owner": group[0].owner, "fence": group[0].fence}
        await connection.execute(mine.values(place=Place.HELD, **lasting))


async def _chosen(
    connection: AsyncConnection, queue: str, turn: int, limit: int
) -> tuple[list[int], int]:
    """Choose whose turn it is; the rows by number, and the turn after them."""
    lanes = [
        select(tasks.c.lane, tasks.c.fresh, tasks.c.number)
        .where(tasks.c.queue == queue, tasks.c.place == Place.WAITING, tasks.c.lane == int(lane))
        .order_by(tasks.c.fresh, tasks.c.number)
        .limit(limit)
        .subquery()
        for lane in Lane
    ]
    rows = (await connection.execute(union_all(*(select(lane) for lane in lanes)))).all()
    waiting: dict[Lane, list[int]] = {lane: [] for lane in Lane}
    for lane, _fresh, number in sorted(rows):
        waiting[Lane(lane)].append(number)
    chosen: list[int] = []
    while len(chosen) < limit and any(waiting.values()):
        lane = next(lane for lane in order(turn) if waiting[lane])
        chosen.append(waiting[lane].pop(0))
        turn += 1
    return chosen, turn


def _queues(held: Iterable[Held]) -> Iterable[tuple[str, list[Held]]]:
    groups: dict[str, list[Held]] = defaultdict(list)
    for each in held:
        groups[each.queue].append(each)
    return groups.items()


def _spans(held: Iterable[Held]) -> Iterable[tuple[float, list[Held]]]:
    """Part holds by how long they last, within each queue."""
    groups: dict[tuple[str, float], list[Held]] = defaultdict(list)
    for each in held:
        groups[each.queue, each.letter.hold].append(each)
    return [(span, group) for (_, span), group in groups.items()]
