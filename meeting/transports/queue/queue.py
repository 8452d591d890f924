"""The `Queue` port on the contract's Redis lists: each step is one script, each change has a fence.

Whoever pushes into the lists is served. The time of holds and delays is the server's.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

import structlog

from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault
from meeting.kernel.ids import Ids
from meeting.kernel.letter import Held, Letter
from meeting.kernel.queue import Depth, Effects, Place, Seen
from meeting.transports.queue import scripts, view
from meeting.transports.queue.ear import Ear
from meeting.transports.queue.message import complete, words
from meeting.transports.queue.taken import Corpse, taken
from meeting.transports.redis.connection import Connection
from meeting.transports.redis.script import Script

BATCH = 500
"""Tasks in one call; more go in several."""
BYTES = 16 * 2**20
"""A take ends behind the message that brings it over so many bytes."""

Word = str | bytes | float

log = structlog.get_logger(__name__)


class RedisQueue:
    """Satisfies `Queue` for all queues of one Redis."""

    def __init__(
        self, connection: Connection, clock: Clock, ids: Ids, effects: Effects | None = None
    ) -> None:
        """`effects`: asked before a task is laid with the dead; without, every such task is."""
        self._connection = connection
        self._effects = effects
        self._clock = clock
        self._ids = ids
        self._ear = Ear(connection)

    async def put(self, queue: str, letters: Sequence[Letter]) -> int:
        """Lay tasks into their lanes, all or none; how many were new."""
        rows = [words(complete(each, self._clock, self._ids)) for each in letters]
        if not rows:
            return 0
        laid: int = await self._run(scripts.PUT, queue, (word for row in rows for word in row))
        return laid

    async def take(
        self, queue: str, owner: str, limit: int, done: Sequence[Held] = ()
    ) -> Sequence[Held]:
        """End what is done and take up to `limit`; what can't be given out is buried on the way."""
        if limit <= 0 or len(done) > BATCH:
            await self.settle(done)
            done = ()
        if limit <= 0:
            return []
        self._ear.taken(queue)
        ended = [word for one in done for word in (one.letter.id, one.fence, one.letter.key)]
        held: list[Held] = []
        while True:
            wanted = (owner, min(limit - len(held), BATCH), BYTES, self._ids.new())
            try:
                popped, *found = await self._run(scripts.TAKE, queue, (*wanted, *ended))
            except Fault:
                if held:  # what is held already must not lapse for it
                    return held
                raise
            ended.clear()
            if not popped:
                return held
            got = list(taken(queue, owner, found, self._clock.now()))
            mine = [each for each in got if isinstance(each, Held)]
            held += mine
            if len(mine) < len(got):
                await self._bury(queue, [each for each in got if isinstance(each, Corpse)])
            # Once more only where something was in the way of what might be given out.
            if popped == len(mine) or len(held) == limit:
                return held

    async def extend(self, held: Sequence[Held]) -> Sequence[Held]:
        """Let holds last from now on; return those that are lost."""
        return await self._each(scripts.EXTEND, held, lambda one: (_span(one),))

    async def settle(self, held: Sequence[Held]) -> Sequence[Held]:
        """End tasks whose work is done; return those whose hold was lost before."""
        return await self._each(scripts.SETTLE, held, lambda one: (one.letter.key,))

    async def fail(self, held: Held, error: str, delay: float | None) -> bool:
        """Give up an attempt: again in `delay` seconds, or to the dead letters."""
        now = self._clock.now()
        letter = held.letter.failed(error, now.timestamp())
        hold = (letter.id, held.fence)
        if delay is None and await self._had(held.queue, [letter.id]):
            return not await self.settle([held])
        if delay is None:
            body = letter.buried(error, now).write()
            done = await self._run(scripts.BURY, held.queue, (*hold, letter.key, body))
        else:
            span = int(delay * 1000)
            done = await self._run(scripts.AGAIN, held.queue, (*hold, span, letter.write()))
        return bool(done)

    async def release(self, held: Sequence[Held]) -> None:
        """Give tasks back to the head of their lanes, as if they had not been taken."""
        await self._each(scripts.RELEASE, held, lambda _: ())

    async def cancel(self, queue: str, task_id: str) -> None:
        """See that a task does not begin, wherever it is, also if it has not come yet."""
        if not await self._run(scripts.CANCEL, queue, (task_id,)):
            await view.seek(self._connection, queue, task_id, view.WAITING, remove=True)

    async def progress(self, held: Held, fraction: float) -> None:
        """Show how far a running task is."""
        await self._run(scripts.PROGRESS, held.queue, (held.letter.id, held.fence, fraction))

    async def wait(self, queues: Sequence[str], seconds: float) -> None:
        """Return when there may be something to take."""
        await self._ear.wait(queues, seconds)

    async def depth(self, queue: str) -> Depth:
        """Count what is where."""
        return await view.depth(self._connection, queue)

    async def list(self, queue: str, place: Place, offset: int, limit: int) -> Sequence[Seen]:
        """Return tasks of one place, first those whose turn is next."""
        return await view.page(self._connection, queue, place, offset, limit)

    async def find(self, queue: str, task_id: str) -> Seen | None:
        """Return a task, wherever in its queue it is."""
        return await view.find(self._connection, queue, task_id)

    async def requeue(self, queue: str, task_id: str = "") -> int:
        """Give dead letters new attempts, all or one; how many."""
        return await view.requeue(self._connection, queue, task_id)

    async def purge(self, queue: str, place: Place) -> int:
        """Throw away what waits, is delayed or is dead; how many."""
        return await view.purge(self._connection, queue, place)

    async def close(self) -> None:
        """Stop listening; the connection is closed by whoever opened it."""
        await self._ear.close()

    async def _run(self, script: Script, queue: str, values: Iterable[Word]) -> Any:
        return await self._connection.run(script, [queue], *values)

    async def _each(
        self, script: Script, held: Sequence[Held], more: Callable[[Held], tuple[Word, ...]]
    ) -> Sequence[Held]:
        """Change holds queue by queue; those that the script says are lost."""
        queues: dict[str, list[Held]] = defaultdict(list)
        for each in held:
            queues[each.queue].append(each)
        lost: list[Held] = []
        for queue, mine in queues.items():
            for i in range(0, len(mine), BATCH):
                part = mine[i : i + BATCH]
                values = [w for one in part for w in (one.letter.id, one.fence, *more(one))]
                lost += [part[int(place)] for place in await self._run(script, queue, values)]
        return lost

    async def _had(self, queue: str, ids: Sequence[str]) -> Collection[str]:
        return () if self._effects is None else await self._effects.had(queue, ids)

    async def _bury(self, queue: str, corpses: Sequence[Corpse]) -> None:
        """Lay tasks with the dead; what can't be now comes again when its hold is over.

        So nothing costs the hold of what was taken with them.
        """
        try:
            values: list[Word] = []
            for each in await self._gone(queue, corpses):
                log.error("task is dead", queue=queue, type=each.type, error=each.error)
                values += (each.id, each.fence, each.key, each.body)
            await self._run(scripts.BURY, queue, values)
        except Fault as fault:
            log.warning("the dead are not buried yet", queue=queue, reason=str(fault))

    async def _gone(self, queue: str, corpses: Sequence[Corpse]) -> Sequence[Corpse]:
        """Return those that are dead, and end those whose worker died right behind their effect."""
        had = await self._had(queue, [each.task_id for each in corpses if each.task_id])
        ended = [each for each in corpses if each.task_id in had]
        if ended:
            log.info("tasks had their effect before their last hold was over", number=len(ended))
            holds = [word for each in ended for word in (each.id, each.fence, each.key)]
            await self._run(scripts.SETTLE, queue, holds)
        return [each for each in corpses if each.task_id not in had]


def _span(held: Held) -> int:
    return int(held.letter.hold * 1000)
