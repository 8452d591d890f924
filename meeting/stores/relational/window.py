"""Forgets what the outbox has held long enough, in small batches, and never what is still to do."""

import math
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select

from meeting.kernel.clock import Clock
from meeting.kernel.window import Queues
from meeting.stores.relational.database import Database
from meeting.stores.relational.outbox import cursors, outbox
from meeting.stores.relational.tasks import sweep

SETTLED = timedelta(days=1)
BATCH = 500
"""Rows in one commit, so that no writer waits for long."""


class SqlKeeper:
    """Satisfies `Keeper`; `readers` are the consumers of each topic that the house has.

    A cursor of anybody else, such as a process that is gone for good, holds nothing, and is
    forgotten with the first entry that it has not read. The last row stays whatever its age: on
    SQLite the next position is counted from it, and cursors must never be ahead.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        readers: Mapping[str, Sequence[str]],
        queues: Queues | None = None,
        brief: Mapping[str, timedelta] | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._readers = readers
        self._queues = queues
        self._brief = brief or {}
        """Topics that are kept for less than the window."""

    async def trim(self, kept: timedelta, carried: int | None) -> Mapping[str, int]:
        """Forget what is older and needed by nobody; the first of each topic that is left."""
        now = self._clock.now()
        before = now - kept
        async with self._database.read() as connection:
            topics = (await connection.execute(select(outbox.c.topic).distinct())).scalars().all()
            last = (await connection.execute(select(func.max(outbox.c.position)))).scalar() or 0
        # A day more, because a Redis that came back may be given a task as old as the window.
        while await sweep(self._database, before - SETTLED):
            pass
        bound = last - 1 if carried is None else min(last - 1, carried)
        spans = {topic: min(kept, self._brief.get(topic, kept)) for topic in topics}
        return {
            topic: await self._topic(topic, now - span, bound, last)
            for topic, span in spans.items()
        }

    async def _topic(self, topic: str, before: datetime, bound: int, last: int) -> int:
        names = self._readers.get(topic, ())
        standing = select(cursors.c.consumer, cursors.c.position).where(cursors.c.topic == topic)
        async with self._database.read() as connection:
            found = {row.consumer: row.position for row in await connection.execute(standing)}
        bound = min([bound, *(found.get(name, 0) for name in names)])
        columns = outbox.c.position, outbox.c.kind, outbox.c.message_id, outbox.c.at
        old = select(*columns).where(outbox.c.topic == topic, outbox.c.at < before)
        after, more = 0, True
        while more:
            some = old.where(outbox.c.position > after, outbox.c.position <= bound)
            async with self._database.read() as connection:
                piece = some.order_by(outbox.c.position).limit(BATCH)
                rows = (await connection.execute(piece)).all()
            tasks = [row.message_id for row in rows if row.kind == "task"]
            left, since = await self._left(topic, tasks, bound)
            if gone := [row.position for row in rows if row.message_id not in left]:
                async with self._database.write() as connection:
                    await connection.execute(delete(outbox).where(outbox.c.position.in_(gone)))
                    strangers = delete(cursors).where(
                        cursors.c.topic == topic,
                        cursors.c.position < gone[-1],
                        cursors.c.consumer.not_in(names),
                    )
                    await connection.execute(strangers)
            # What is younger than a task that waits most likely waits too: it can be asked later.
            more = len(rows) == BATCH and rows[-1].at.timestamp() < since
            after = rows[-1].position if rows else 0
        first = select(func.min(outbox.c.position)).where(outbox.c.topic == topic)
        async with self._database.read() as connection:
            return (await connection.execute(first)).scalar() or last

    async def _left(
        self, queue: str, ids: Collection[str], carried: int
    ) -> tuple[Collection[str], float]:
        """Return which tasks may not have ended yet, and about when the oldest was written."""
        if not ids or self._queues is None:
            return (), math.inf
        return await self._queues.left(queue, ids, carried)
