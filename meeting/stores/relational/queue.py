"""The queues of tasks on SQL: the `Queue` port over the rows of `tasks`."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import timedelta

from sqlalchemy import delete, select, update

from meeting.kernel.clock import Clock
from meeting.kernel.ids import Ids
from meeting.kernel.letter import Held, Letter
from meeting.kernel.queue import Place
from meeting.stores.relational.backlog import Backlog, moved
from meeting.stores.relational.database import Database
from meeting.stores.relational.take import Take, ready
from meeting.stores.relational.tasks import hold, name, place, spans, tasks, this, topic

LOOK_SECONDS = 0.25
"""How soon a task of another process, a due one or a lapsed one is noticed."""
LIVING = (Place.WAITING, Place.HELD, Place.DELAYED)
NAME = (tasks.c.task_id, tasks.c.fence)


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
            found = set(await connection.scalars(ready(queue, now)))
        if not found or limit <= 0:
            await self.settle(done)
            return []
        async with self._database.write() as connection:
            one = Take(connection, queue, now)
            await one.begin()
            if done:
                await connection.execute(delete(tasks).where(hold(done)))
            await one.gather(found)
            return await one.give(owner, limit)

    async def extend(self, held: Sequence[Held]) -> Sequence[Held]:
        """Let holds last from now on; return those that are lost."""
        if not held:
            return []
        now = self._clock.now()
        kept = set()
        async with self._database.write() as connection:
            for span, group in spans(held):
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


def _queues(held: Iterable[Held]) -> Iterable[tuple[str, list[Held]]]:
    groups: dict[str, list[Held]] = defaultdict(list)
    for each in held:
        groups[each.queue].append(each)
    return groups.items()
