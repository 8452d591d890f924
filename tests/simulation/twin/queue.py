"""The queue port over the reference model, in memory, with a point to fail at in every method.

`Store` is what outlives processes: the queues and the effects of tasks. `Twin` is one process's way
to it; without a process it is a queue for tests of whoever uses one.
"""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec

from meeting.kernel.clock import Clock
from meeting.kernel.ids import Ids
from meeting.kernel.lane import Lane
from meeting.kernel.letter import Held, Letter, Over, Unreadable, read, unread
from meeting.kernel.queue import Depth, Place, Seen
from tests.simulation.model.queue import Model, Task
from tests.simulation.process import Process


class Store:
    """Queues by their names, and what tasks have done. `made` makes a model, broken or not."""

    def __init__(self, clock: Clock, ids: Ids, made: Callable[[], Model] = Model) -> None:
        self.clock = clock
        self.ids = ids
        self.queues: defaultdict[str, Model] = defaultdict(made)
        self.effects: list[str] = []
        self.grown = asyncio.Event()

    def wake(self) -> None:
        """Wake whoever waits."""
        self.grown.set()
        self.grown = asyncio.Event()

    def now(self) -> float:
        """Return Unix seconds."""
        return self.clock.now().timestamp()


class Unit:
    """A transaction: what it does happens at once, at its end, or not at all."""

    def __init__(self) -> None:
        self.effects: list[str] = []
        self.held: list[Held] = []

    def effect(self, what: str) -> None:
        """Do something that must not be done twice."""
        self.effects.append(what)

    async def settle(self, held: Held) -> None:
        """End a task with it."""
        self.held.append(held)


class Twin:
    """Satisfies `Queue`."""

    def __init__(self, store: Store, process: Process | None = None) -> None:
        self.store = store
        self._process = process
        self._growth = store.grown
        self._shown: dict[tuple[str, int], float] = {}

    async def _step(self, what: str) -> None:
        if self._process is None:
            await asyncio.sleep(0)
        else:
            await self._process.step(what)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Unit]:
        """Open a transaction on what the queues lie in."""
        await self._step("begin")
        unit = Unit()
        yield unit
        await self._step("commit")
        for held in unit.held:
            if not self.ended(held):
                raise Over
        self.store.effects += unit.effects
        await self._step("committed")

    def ended(self, held: Held) -> bool:
        """End a task in a transaction; False where its hold was lost."""
        return self.store.queues[held.queue].settle(hold(held))

    async def put(self, queue: str, letters: Sequence[Letter]) -> int:
        """Lay tasks into their lanes."""
        await self._step("put")
        now = self.store.now()
        laid = 0
        for letter in letters:
            whole = msgspec.structs.replace(
                letter, id=letter.id or self.store.ids.new(), timestamp=letter.timestamp or int(now)
            )
            laid += self.store.queues[queue].put(whole, now)
        self.store.wake()
        await self._step("put done")
        return laid

    def plant(self, queue: str, lane: Lane, raw: bytes) -> None:
        """Lay in what a stranger pushes."""
        try:
            self.store.queues[queue].put(read(raw), 0)
        except Unreadable as error:
            letter = Letter(type="?", payload={}, priority=int(lane))
            self.store.queues[queue].put(letter, 0, unread(raw, str(error)))

    async def take(
        self, queue: str, owner: str, limit: int, done: Sequence[Held] = ()
    ) -> Sequence[Held]:
        """End what is done and take up to `limit` tasks."""
        self._growth = self.store.grown
        await self._step("take")
        model = self.store.queues[queue]
        taken = []
        ended = [hold(one) for one in done]
        for task_id, fence in model.take(limit, self.store.now(), lambda some: some[0], ended):
            task = model.mine((task_id, fence))
            assert task is not None
            letter = msgspec.structs.replace(
                task.letter, processing_start_time=int(self.store.now())
            )
            fields: dict[str, Any] = {"queue": queue, "lane": task.lane, "letter": letter}
            taken.append(Held(**fields, owner=owner, fence=fence, here=True))
        await self._step("taken " + " ".join(each.letter.id[-4:] for each in taken))
        return taken

    async def extend(self, held: Sequence[Held]) -> Sequence[Held]:
        """Let holds last from now on."""
        await self._step("extend")
        now = self.store.now()
        lost = [one for one in held if not self.store.queues[one.queue].extend(hold(one), now)]
        await self._step("extended")
        return lost

    async def settle(self, held: Sequence[Held]) -> Sequence[Held]:
        """End tasks whose work is done."""
        await self._step("settle")
        queues = self.store.queues
        lost = [one for one in held if not queues[one.queue].finish(hold(one), here=one.here)]
        await self._step("settled")
        return lost

    async def fail(self, held: Held, error: str, delay: float | None) -> bool:
        """Give up an attempt."""
        await self._step("fail")
        now = self.store.now()
        done = self.store.queues[held.queue].fail(hold(held), error, delay, now)
        await self._step("failed")
        return done

    async def release(self, held: Sequence[Held]) -> None:
        """Give tasks back."""
        await self._step("release")
        for one in held:
            self.store.queues[one.queue].release(hold(one))
        self.store.wake()
        await self._step("released")

    async def cancel(self, queue: str, task_id: str) -> None:
        """See that a task does not begin."""
        await self._step("cancel")
        self.store.queues[queue].cancel(task_id)

    async def progress(self, held: Held, fraction: float) -> None:
        """Show how far a running task is."""
        await self._step("progress")
        self._shown[hold(held)] = fraction

    async def wait(self, queues: Sequence[str], seconds: float) -> None:
        """Return when there may be something to take; what comes due is noticed in a second."""
        with suppress(TimeoutError):
            async with asyncio.timeout(min(seconds, 1)):
                await self._growth.wait()

    async def depth(self, queue: str) -> Depth:
        """Count what is where."""
        model = self.store.queues[queue]
        waiting = model.at(Place.WAITING)
        since = min((task.letter.timestamp for task in waiting), default=self.store.now())
        held, delayed, dead = (
            len(model.at(place)) for place in (Place.HELD, Place.DELAYED, Place.DEAD)
        )
        lanes = {lane: sum(task.lane is lane for task in waiting) for lane in Lane}
        age = self.store.now() - since
        return Depth(waiting=lanes, held=held, delayed=delayed, dead=dead, oldest=age)

    async def list(self, queue: str, place: Place, offset: int, limit: int) -> Sequence[Seen]:
        """Return tasks of one place."""
        found = self.store.queues[queue].at(place)
        return [self._seen(task) for task in found[offset : offset + limit]]

    async def find(self, queue: str, task_id: str) -> Seen | None:
        """Return a task."""
        tasks = self.store.queues[queue].tasks
        return next((self._seen(task) for task in tasks if task.letter.id == task_id), None)

    def _seen(self, task: Task) -> Seen:
        return Seen(
            id=task.letter.id,
            place=task.place,
            lane=task.lane,
            body=task.unread or task.letter.write(),
            until=task.until,
            progress=self._shown.get((task.letter.id, task.fence), 0),
        )

    async def requeue(self, queue: str, task_id: str = "") -> int:
        """Give dead letters new attempts."""
        count = self.store.queues[queue].requeue(task_id)
        self.store.wake()
        return count

    async def purge(self, queue: str, place: Place) -> int:
        """Throw away what is in one place."""
        return self.store.queues[queue].purge(place)


def hold(held: Held) -> tuple[str, int]:
    """Name a hold as the model does."""
    return held.letter.id, held.fence
