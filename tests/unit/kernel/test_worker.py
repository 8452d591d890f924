"""The worker: what becomes of a task whose handler succeeds, fails, is slow or is cut off."""

import asyncio
import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, ClassVar

from meeting.kernel.errors import Fault, Kind
from meeting.kernel.letter import Held, Letter, Over, read
from meeting.kernel.queue import Place
from meeting.kernel.task import Task
from meeting.kernel.work import Work
from meeting.kernel.worker import Worker
from tests.simulation.loop import Loop
from tests.simulation.twin.queue import Store, Twin

QUEUE = "ai_tasks"


class Job(Task, frozen=True, kw_only=True):
    """A task with a number."""

    TYPE: ClassVar[str] = "job"
    QUEUE: ClassVar[str] = QUEUE
    n: int


class House:
    """A worker on a queue in memory, in virtual time."""

    def __init__(
        self, loop: Loop, handler: Callable[[Job, Work], Any], concurrency: int = 4
    ) -> None:
        self.loop = loop
        self.queue = Counting(Store(loop, loop))
        self.told: list[tuple[str, str]] = []
        self.worker = Worker(
            QUEUE,
            "w",
            queue=self.queue,
            handlers={Job: handler},
            concurrency=concurrency,
            clock=loop,
            chance=random.Random(1),  # noqa: S311 - it is to be the same each time
            told=lambda held, outcome, _seconds: self.told.append((held.letter.id, outcome)),
        )

    async def put(self, *ids: str, **fields: Any) -> None:
        """Put jobs."""
        given = {"type": "job", "payload": {"n": 1}} | fields
        await self.queue.put(QUEUE, [Letter(id=each, **given) for each in ids])

    async def work(self, seconds: float) -> None:
        """Let the worker work for a while."""
        running = asyncio.create_task(self.worker.run())
        await asyncio.sleep(seconds)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    def at(self, place: Place) -> list[str]:
        """Name what is in one place."""
        return [task.letter.id for task in self.queue.store.queues[QUEUE].at(place)]


class Counting(Twin):
    """Counts how many tasks end at once, with a take or without."""

    def __init__(self, store: Store) -> None:
        super().__init__(store)
        self.steps: list[str] = []
        self.ends: list[int] = []

    async def take(
        self, queue: str, owner: str, limit: int, done: Sequence[Held] = ()
    ) -> Sequence[Held]:
        """Note how many."""
        self.steps.append("take")
        self.ends.append(len(done))
        return await super().take(queue, owner, limit, done)

    async def settle(self, held: Sequence[Held]) -> Sequence[Held]:
        """Note how many."""
        self.steps.append("settle")
        self.ends.append(len(held))
        return await super().settle(held)


async def nothing(_job: Job, _work: Work) -> None:
    """Do nothing, at once."""


def play(scene: Callable[[Loop], Any]) -> None:
    """Play a scene with a few orders."""
    for seed in range(5):
        Loop(seed).run(scene)


def test_batches() -> None:
    """What ends together is ended together."""

    async def scene(loop: Loop) -> None:
        house = House(loop, nothing)
        await house.put("a", "b", "c", "d")
        await house.work(1)
        assert max(house.queue.ends) > 1
        assert sum(house.queue.ends) == 4
        assert house.queue.store.queues[QUEUE].tasks == []

    play(scene)


def test_one_step_a_task() -> None:
    """What is done ends with the take of what is next, also where there is room for one alone."""

    async def scene(loop: Loop) -> None:
        house = House(loop, nothing, concurrency=1)
        await house.put(*(str(number) for number in range(20)))
        running = asyncio.create_task(house.worker.run())
        while len(house.told) < 20:
            await asyncio.sleep(0)
        assert house.queue.steps[:20] == ["take"] * 20
        assert house.queue.ends[:20] == [0] + [1] * 19
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert house.queue.store.queues[QUEUE].tasks == []

    play(scene)


def test_an_answer_that_is_lost() -> None:
    """What ended with a take of which nobody heard is ended again; what it brought comes again."""

    async def scene(loop: Loop) -> None:
        house = House(loop, nothing, concurrency=1)
        take = house.queue.take

        async def deaf(
            queue: str, owner: str, limit: int, done: Sequence[Held] = ()
        ) -> Sequence[Held]:
            taken = await take(queue, owner, limit, done)
            if house.queue.ends == [0, 1]:
                raise Fault(Kind.UNAVAILABLE, "gone", details={"peer": "redis"})
            return taken

        house.queue.take = deaf  # type: ignore[method-assign] # the way back is cut off once
        await house.put("a", "b", "c", visibility_timeout=5)
        await house.work(30)
        assert house.queue.ends[:3] == [0, 1, 1]
        assert [name for name, _ in house.told] == ["a", "c", "b"]
        assert house.queue.store.queues[QUEUE].tasks == []

    play(scene)


def test_signs_in_time_for_what_begins_later() -> None:
    """A short hold that begins beside long ones has its signs of life in time."""

    async def scene(loop: Loop) -> None:
        begun: list[int] = []

        async def slow(job: Job, _work: Work) -> None:
            begun.append(job.n)
            await asyncio.sleep(50)

        house = House(loop, slow)
        await house.put("long", visibility_timeout=300, timeout=200)
        running = asyncio.create_task(house.worker.run())
        await asyncio.sleep(4)
        await house.put("short", payload={"n": 2}, visibility_timeout=3, timeout=200)
        await asyncio.sleep(60)
        assert begun == [1, 2]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    play(scene)


def test_backoff() -> None:
    """A handler that fails is tried again after 1, 2 and 4 seconds, a fifth more or less."""

    async def scene(loop: Loop) -> None:
        times: list[float] = []

        async def fail(_job: Job, _work: Work) -> None:
            times.append(loop.time())
            raise ZeroDivisionError

        house = House(loop, fail)
        await house.put("a")
        await house.work(60)
        gaps = [after - before for before, after in pairwise(times)]
        assert len(gaps) == 3
        for gap, wanted in zip(gaps, (1, 2, 4), strict=True):
            assert 0.8 * wanted <= gap <= 1.2 * wanted + 1.1  # noticed within a second
        assert house.at(Place.DEAD) == ["a"]
        assert [outcome for _, outcome in house.told] == ["again"] * 3 + ["dead"]

    play(scene)


def test_hopeless() -> None:
    """What no other attempt changes is dead at once: unknown types, broken payloads, refusals."""

    async def scene(loop: Loop) -> None:
        async def refuse(_job: Job, _work: Work) -> None:
            raise Fault(Kind.NOT_FOUND, "there is no such thing")

        house = House(loop, refuse)
        await house.put("refused")
        await house.put("unknown", type="other")
        await house.put("broken", payload={"n": "x"})
        await house.work(1)
        assert sorted(house.at(Place.DEAD)) == ["broken", "refused", "unknown"]
        (seen,) = [s for s in await house.queue.list(QUEUE, Place.DEAD, 0, 9) if s.id == "unknown"]
        assert "nobody here handles other" in read(seen.body).payload["error"]

    play(scene)


def test_timeout() -> None:
    """A handler that shows no sign of life fails; one that does may take longer."""

    async def scene(loop: Loop) -> None:
        async def slow(job: Job, work: Work) -> None:
            for step in range(4):
                await asyncio.sleep(8)
                if job.n == 2:
                    await work.alive(step / 4)

        house = House(loop, slow)
        await house.put("silent", timeout=10)
        await house.put("alive", timeout=10, payload={"n": 2})
        await house.work(35)
        assert ("alive", "done") in house.told
        assert ("silent", "again") in house.told

    play(scene)


def test_slow_is_not_redelivered() -> None:
    """A handler far slower than its hold keeps it by signs of life, and runs once."""

    async def scene(loop: Loop) -> None:
        begun: list[int] = []

        async def slow(job: Job, _work: Work) -> None:
            begun.append(job.n)
            await asyncio.sleep(100)

        house = House(loop, slow)
        await house.put("a", visibility_timeout=3, timeout=200)
        await house.work(110)
        assert begun == [1]
        assert house.told == [("a", "done")]

    play(scene)


def test_lost_hold() -> None:
    """A handler whose task was cancelled is stopped, and nothing is told of an end."""

    async def scene(loop: Loop) -> None:
        ended: list[str] = []

        async def slow(_job: Job, _work: Work) -> None:
            try:
                await asyncio.sleep(1000)
            finally:
                ended.append("stopped")

        house = House(loop, slow)
        await house.put("a", visibility_timeout=6, timeout=2000)
        running = asyncio.create_task(house.worker.run())
        await asyncio.sleep(5)
        await house.queue.cancel(QUEUE, "a")
        await asyncio.sleep(20)
        assert ended == ["stopped"]
        assert house.told == []
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    play(scene)


def test_database_away() -> None:
    """A store that is away costs no attempt: the task is given back, and tried ever less often."""

    async def scene(loop: Loop) -> None:
        tries: list[float] = []

        async def away(_job: Job, _work: Work) -> None:
            tries.append(loop.time())
            if loop.time() < 20:
                raise Fault(Kind.UNAVAILABLE, "gone", details={"peer": "database"})

        house = House(loop, away)
        await house.put("a")
        await house.work(60)
        assert house.told[-1] == ("a", "done")
        assert {outcome for _, outcome in house.told[:-1]} == {"back"}
        assert len(tries) < 20

    play(scene)


def test_over() -> None:
    """A task that has had its effect before is ended, and no failure."""

    async def scene(loop: Loop) -> None:
        async def over(_job: Job, _work: Work) -> None:
            raise Over

        house = House(loop, over)
        await house.put("a")
        await house.work(2)
        assert house.told == [("a", "over")]
        assert house.queue.store.queues[QUEUE].tasks == []

    play(scene)


def test_drain() -> None:
    """A drained worker ends what it has and takes nothing new; cut off, it gives the rest back."""

    async def scene(loop: Loop) -> None:
        async def slow(job: Job, _work: Work) -> None:
            await asyncio.sleep(10 if job.n == 1 else 1000)

        house = House(loop, slow, concurrency=1)
        await house.put("a", "b")
        running = asyncio.create_task(house.worker.run())
        await asyncio.sleep(5)
        await house.worker.drain()
        assert house.told == [("a", "done")]
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert house.at(Place.WAITING) == ["b"]

        cut = House(loop, slow)
        await cut.put("c", payload={"n": 2}, timeout=2000)
        await cut.work(5)
        assert cut.at(Place.WAITING) == ["c"]
        (task,) = cut.queue.store.queues[QUEUE].tasks
        assert task.letter.retry_count == 0

    play(scene)


def test_a_take_that_comes_after_the_drain() -> None:
    """What a take brings when a drain has begun meanwhile is given back, without an attempt."""

    async def scene(loop: Loop) -> None:
        house = House(loop, nothing)
        arrived, let = asyncio.Event(), asyncio.Event()
        take = house.queue.take

        async def slow(
            queue: str, owner: str, limit: int, done: Sequence[Held] = ()
        ) -> Sequence[Held]:
            taken = await take(queue, owner, limit, done)
            arrived.set()
            await let.wait()
            return taken

        house.queue.take = slow  # type: ignore[method-assign] # an answer that is on its way
        await house.put("a")
        running = asyncio.create_task(house.worker.run())
        await arrived.wait()
        drained = asyncio.create_task(house.worker.drain())
        while not house.worker.draining:
            await asyncio.sleep(0)
        let.set()
        await drained
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        (task,) = house.queue.store.queues[QUEUE].at(Place.WAITING)
        assert task.letter.retry_count == 0
        assert house.told == []

    play(scene)
