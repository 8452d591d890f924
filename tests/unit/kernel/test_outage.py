"""A worker and a consumer over stores that go away now and then."""

import asyncio
from collections.abc import Sequence

from meeting.kernel.clock import SystemClock
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.letter import Held
from meeting.kernel.worker import Worker
from meeting.stores.relational.queue import SqlQueue


class Away(SqlQueue):
    """A queue that is empty, and whose store goes away while it is waited for."""

    def __init__(self) -> None:
        """Be of no database."""
        self.taken = 0

    async def take(
        self, queue: str, owner: str, limit: int, done: Sequence[Held] = ()
    ) -> Sequence[Held]:
        """Find nothing."""
        self.taken += 1
        return []

    async def wait(self, queues: Sequence[str], seconds: float) -> None:
        """Lose the connection."""
        raise Fault(Kind.UNAVAILABLE, "gone", details={"peer": "redis"})

    async def settle(self, held: Sequence[Held]) -> Sequence[Held]:
        """Have nothing to settle."""
        return held

    async def release(self, held: Sequence[Held]) -> None:
        """Have nothing to give back."""


async def test_a_store_that_goes_while_it_is_waited_for_is_waited_for() -> None:
    """A worker that loses the store at rest looks again, ever more slowly, and does not end."""
    queue = Away()
    paused: list[float] = []

    async def pause(seconds: float) -> None:
        paused.append(seconds)
        await asyncio.sleep(0)

    worker = Worker(
        "tasks", "me", queue=queue, handlers={}, concurrency=1, clock=SystemClock(), pause=pause
    )
    running = asyncio.create_task(worker.run())
    async with asyncio.timeout(10):
        while queue.taken < 5:
            await asyncio.sleep(0)
    assert not running.done()
    assert [each for each in paused if each < 1][:4] == [0.1, 0.2, 0.4, 0.8]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
