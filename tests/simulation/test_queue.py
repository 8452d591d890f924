"""Workers on the queue's twin, killed and stopped anywhere: nothing lost, nothing doubled."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from typing import ClassVar

import pytest

from meeting.kernel.letter import Held, Letter
from meeting.kernel.task import Task
from meeting.kernel.work import Work
from meeting.kernel.worker import Worker
from tests.simulation.loop import Loop, Scene, explore
from tests.simulation.process import Process
from tests.simulation.trace import Silence, digest
from tests.simulation.twin.queue import Store, Twin

QUEUE = "ai_tasks"
TASKS = 8
SEEDS = 150


class Count(Task, frozen=True, kw_only=True):
    """A task whose effect is its number."""

    TYPE: ClassVar[str] = "count"
    QUEUE: ClassVar[str] = QUEUE
    number: str


class Hasty(Twin):
    """Acknowledges what it takes, before any work."""

    async def take(
        self, queue: str, owner: str, limit: int, done: Sequence[Held] = ()
    ) -> Sequence[Held]:
        """Take and end at once."""
        taken = await super().take(queue, owner, limit, done)
        for held in taken:
            self.store.queues[queue].settle((held.letter.id, held.fence))
        return taken


class Unfenced(Twin):
    """Lets an effect stand whoever holds the task now."""

    def ended(self, held: Held) -> bool:
        """End it if it is there, under whichever fence."""
        model = self.store.queues[held.queue]
        model.tasks = [task for task in model.tasks if task.letter.id != held.letter.id]
        return True


def scene(twin: type[Twin] = Twin, *, settles: bool = True) -> Scene[None]:
    """Put tasks, work at them with processes that die, and see what they have done."""

    async def play(loop: Loop) -> None:
        store = Store(loop, loop)
        letters = [
            Letter(
                type="count",
                payload={"number": str(number)},
                priority=loop.chance.randrange(4),
                max_retries=1000,
                timeout=20,
                visibility_timeout=5,
            )
            for number in range(TASKS)
        ]
        await Twin(store).put(QUEUE, letters)

        def begin(number: int) -> Process:
            process = Process(loop, f"w{number}", crash=0.02, freeze=0.02, longest=30, slow=0.5)
            queue = twin(store, process)

            async def handle(task: Count, work: Work) -> None:
                if loop.chance.random() < 0.1:
                    raise ZeroDivisionError
                await asyncio.sleep(loop.chance.uniform(0, 12))
                async with queue.write() as unit:
                    unit.effect(task.number)
                    if settles:
                        await unit.settle(work.held)

            worker = Worker(
                QUEUE,
                process.name,
                queue=queue,
                handlers={Count: handle},
                concurrency=3,
                clock=loop,
                chance=loop.chance,
            )
            process.start(worker.run())
            return process

        processes = [begin(number) for number in range(3)]
        made = len(processes)
        while store.queues[QUEUE].tasks and loop.time() < 3600:
            await asyncio.sleep(1)
            for at, process in enumerate(processes):
                if process.dead and loop.chance.random() < 0.5:
                    processes[at] = begin(made)
                    made += 1
        # Whoever stood still may wake up yet and try to do what others have done.
        await asyncio.sleep(45)
        for process in processes:
            process.kill()
        assert store.queues[QUEUE].tasks == []
        assert Counter(store.effects) == Counter(str(number) for number in range(TASKS))

    return play


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say nothing of all that fails on purpose."""
    for module in ("worker", "beats"):
        monkeypatch.setattr(f"meeting.kernel.{module}.log", Silence())


def test_nothing_lost_nor_doubled() -> None:
    """Whenever workers die or stand still, each task has its effect exactly once."""
    assert explore(scene(), range(SEEDS)) > 0


def test_replays() -> None:
    """The same seed leads to the same trace, another to another."""
    assert digest(scene(), 5) == digest(scene(), 5)
    assert digest(scene(), 5) != digest(scene(), 6)


@pytest.mark.parametrize(
    "broken",
    [scene(Hasty), scene(Unfenced), scene(settles=False)],
    ids=["acknowledges before the work", "asks for no fence", "settles apart from the effect"],
)
def test_rejects(broken: Scene[None]) -> None:
    """The simulation turns red within its seeds on what loses or doubles, and names the seed."""
    with pytest.raises(AssertionError, match=r"seed \d+ failed"):
        explore(broken, range(SEEDS))
