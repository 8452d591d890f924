"""What the outbox keeps of tasks: a row goes when its task has ended in Redis, and never sooner."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import timedelta
from typing import ClassVar

import pytest
from sqlalchemy import select

from meeting.kernel.ids import RandomIds
from meeting.kernel.letter import Held
from meeting.kernel.queue import Place
from meeting.kernel.task import Task
from meeting.stores.relational.outbox import outbox
from meeting.stores.relational.unit import SqlUnits
from meeting.stores.relational.window import SqlKeeper
from meeting.transports.queue.queue import RedisQueue
from tests.clock import MovingClock
from tests.contract.feed import say
from tests.contract.worlds import NumberUnit, Stepped
from tests.redis import Redis


class Job(Task, frozen=True, kw_only=True):
    """A task that can be told from others."""

    TYPE: ClassVar[str] = "job"
    QUEUE: ClassVar[str] = "ai_tasks"
    name: str


class Old:
    """Tasks that were asked for three days ago, and what becomes of them."""

    def __init__(self, world: Stepped) -> None:
        self.world = world
        self.queue = RedisQueue(world.redis, world.clock, RandomIds())
        self.clock = MovingClock()
        self.clock.move(world.clock.now() - timedelta(days=3) - self.clock.now())
        self._units = SqlUnits(world.database, NumberUnit, self.clock, RandomIds(), relayed=True)
        self._keeper = SqlKeeper(world.database, world.clock, {}, world.carrier)

    async def ask(self, name: str, delay: float = 0) -> None:
        """Ask for a task, carry it, and let a minute pass."""
        async with self._units.write() as unit:
            unit.enqueue(Job(name=name), delay=delay)
        self.clock.move(timedelta(minutes=1))
        await self.world.carry()

    async def take(self) -> Held:
        """Take the next."""
        (held,) = await self.queue.take(Job.QUEUE, "a", 1)
        return held

    async def trim(self, carried: int | None = None) -> None:
        """Forget what is older than a day, as far as it was carried, or is believed to be."""
        place = await self.world.carrier.position() if carried is None else carried
        await self._keeper.trim(timedelta(days=1), place)

    async def kept(self, redis: Redis) -> Sequence[str]:
        """Trim, and return what comes anew into an emptied Redis; the last row stays anyhow."""
        await say(self.world, 1)
        await self.trim()
        redis.empty()
        await self.world.carry()
        taken = await self.queue.take(Job.QUEUE, "a", 9)
        return [each.letter.payload["name"] for each in taken]


@pytest.fixture
async def old(url: str, redis: Redis) -> AsyncIterator[Old]:
    """An empty log over an empty Redis, three days ago."""
    async with Stepped.open(url, redis.url()) as world:
        yield Old(world)


async def test_a_task_that_waits_outlives_the_window(old: Old, redis: Redis) -> None:
    """What still waits, is delayed or at hand comes anew into an emptied Redis, however old."""
    for name, delay in (("done", 0), ("held", 0), ("delayed", 9e6), ("waits", 0)):
        await old.ask(name, delay)
    done, held = await old.queue.take(Job.QUEUE, "a", 2)
    assert (done.letter.payload["name"], held.letter.payload["name"]) == ("done", "held")
    async with old.world.rows.write() as unit:
        await unit.settle(done)
    await old.queue.settle([done])
    await say(old.world, 1)  # the last row stays in any case
    carried = await old.world.carrier.position()
    await old.trim()
    redis.empty()
    await old.trim(carried)  # by one who has not noticed
    await old.world.carry()
    taken = await old.queue.take(Job.QUEUE, "a", 9)
    assert [each.letter.payload["name"] for each in taken] == ["held", "waits"]
    assert (await old.queue.depth(Job.QUEUE)).delayed == 1
    await old.queue.settle(taken)
    await old.queue.purge(Job.QUEUE, Place.DELAYED)
    await old.trim()
    async with old.world.database.read() as connection:
        left = (await connection.execute(select(outbox.c.kind))).scalars().all()
    assert left == ["event"]


@pytest.mark.parametrize(
    "written",
    [{}, {"timestamp": "soon"}, {"timestamp": 10**13}, {"timestamp": 2_000_000_000}],
    ids=["says nothing", "says no time", "says ms", "says a time to come"],
)
async def test_behind_a_stranger(old: Old, redis: Redis, written: dict[str, str | int]) -> None:
    """A task waits behind whatever a stranger laid before it: it is not taken for ended."""
    with redis.client() as other:
        other.rpush(f"{Job.QUEUE}:normal", json.dumps({"type": "any", "payload": {}} | written))
    await old.ask("waits")
    assert await old.kept(redis) == ["waits"]


async def test_back_in_another_order(old: Old, redis: Redis) -> None:
    """The younger of two comes back last, and is the first of its list by then."""
    await old.ask("older")
    await old.ask("younger")
    for each in await old.queue.take(Job.QUEUE, "a", 2):
        await old.queue.release([each])
    assert sorted(await old.kept(redis)) == ["older", "younger"]


async def test_carried_in_another_order(old: Old, redis: Redis) -> None:
    """What is committed later may have been written earlier: clocks differ, and units last."""
    await old.ask("younger")
    old.clock.move(timedelta(hours=-1))
    await old.ask("older")
    assert sorted(await old.kept(redis)) == ["older", "younger"]


async def test_at_hand_alone(old: Old, redis: Redis) -> None:
    """What is at hand while nothing waits has not ended."""
    await old.ask("held")
    await old.take()
    assert await old.kept(redis) == ["held"]


async def test_revived(old: Old, redis: Redis) -> None:
    """What was dead and was given new attempts has not ended."""
    await old.ask("revived")
    await old.queue.fail(await old.take(), "it fails", None)
    await old.queue.requeue(Job.QUEUE)
    assert await old.kept(redis) == ["revived"]


async def settle(old: Old) -> None:
    """Say that it is done."""
    await old.queue.settle([await old.take()])


async def go_on(old: Old) -> None:
    """Say so with the next take."""
    await old.queue.take(Job.QUEUE, "a", 1, done=[await old.take()])


async def fail(old: Old) -> None:
    """Give it up."""
    await old.queue.fail(await old.take(), "it fails", None)


async def cancel(old: Old) -> None:
    """Cancel it at hand."""
    await old.queue.cancel(Job.QUEUE, (await old.take()).letter.id)


async def withdraw(old: Old) -> None:
    """Cancel it while it waits."""
    held = await old.take()
    await old.queue.release([held])
    await old.queue.cancel(Job.QUEUE, held.letter.id)


async def skip(old: Old) -> None:
    """Cancel it before it comes, which is seen when its turn has come."""
    held = await old.take()
    await old.queue.cancel(Job.QUEUE, held.letter.id)
    await old.queue.cancel(Job.QUEUE, held.letter.id)
    await old.world.carrier.forget(await old.world.carrier.position())
    await old.world.carry()
    assert not await old.queue.take(Job.QUEUE, "a", 1)


async def purge(old: Old) -> None:
    """Throw away what waits."""
    await old.queue.purge(Job.QUEUE, Place.WAITING)


@pytest.mark.parametrize("end", [settle, go_on, fail, cancel, withdraw, skip, purge])
async def test_ended(old: Old, redis: Redis, end: Callable[[Old], Awaitable[None]]) -> None:
    """However a task has ended, its row goes, although another waits."""
    await old.ask("ended")
    await end(old)
    await old.ask("waits")
    assert await old.kept(redis) == ["waits"]


async def test_popped_by_a_stranger(old: Old, redis: Redis) -> None:
    """What somebody else took is forgotten when nothing waits any more, and for good."""
    await old.ask("popped")
    with redis.client() as other:
        other.lpop(f"{Job.QUEUE}:normal")
        await say(old.world, 1)
        await old.trim()
        assert not other.exists(f"{Job.QUEUE}:open")
    assert not await old.kept(redis)
