"""Tasks in units of work on SQL: asked for and ended with the rows, or not at all."""

from datetime import timedelta
from typing import ClassVar

import pytest
from sqlalchemy import event, func, insert, select

from meeting.kernel.ids import RandomIds
from meeting.kernel.letter import Letter, Over
from meeting.kernel.message import Message
from meeting.kernel.queue import Place
from meeting.kernel.secret import Secret
from meeting.kernel.task import Task
from meeting.stores.relational import migrate
from meeting.stores.relational.database import Database
from meeting.stores.relational.outbox import extend
from meeting.stores.relational.queue import SqlQueue
from meeting.stores.relational.tasks import SqlEffects, settled, sweep
from meeting.stores.relational.unit import SqlUnits
from meeting.transports.queue.queue import RedisQueue
from meeting.transports.redis.connection import Connection
from tests.clock import MovingClock
from tests.contract.worlds import NumberUnit
from tests.redis import Redis

QUEUE = "ai_tasks"


class Job(Task, frozen=True, kw_only=True):
    """A task."""

    TYPE: ClassVar[str] = "job"
    QUEUE: ClassVar[str] = QUEUE


async def test_units(url: str) -> None:
    """A task is there after the commit alone, and ends with its effect once; a stale hold can't."""
    database, clock = Database(url), MovingClock()
    await migrate.upgrade(database)
    queue = SqlQueue(database, clock, RandomIds())
    units = SqlUnits(database, NumberUnit, clock, RandomIds())
    with pytest.raises(ZeroDivisionError):
        async with units.write() as unit:
            unit.enqueue(Job())
            raise ZeroDivisionError
    assert await queue.take(QUEUE, "a", 9) == []
    async with units.write() as unit:
        unit.enqueue(Job())
    (old,) = await queue.take(QUEUE, "a", 9)
    clock.move(timedelta(seconds=31))
    (new,) = await queue.take(QUEUE, "b", 9)
    with pytest.raises(Over):
        async with units.write() as unit:
            await unit.settle(old)
    with pytest.raises(ZeroDivisionError):
        async with units.write() as unit:
            await unit.settle(new)
            raise ZeroDivisionError
    async with units.write() as unit:
        await unit.settle(new)
    with pytest.raises(Over):
        async with units.write() as unit:
            await unit.settle(new)
    assert await queue.settle([new]) == []
    await database.close()


async def test_an_effect_is_no_death(url: str, redis: Redis) -> None:
    """A worker that dies behind its effect leaves no dead letter, also at the last attempt.

    Neither does one that hears of an error instead of its commit; without effect a task is dead.
    """
    database, clock, connection = Database(url), MovingClock(), Connection(Secret(redis.url()))
    await migrate.upgrade(database)
    queue = RedisQueue(connection, clock, RandomIds(), SqlEffects(database))
    units = SqlUnits(database, NumberUnit, clock, RandomIds(), relayed=True)
    letters = [
        Letter(id=name, type="job", payload={}, key=name, max_retries=0)
        for name in ("killed", "cut off", "idle", "\0")
    ]
    await queue.put(QUEUE, letters)
    killed, cut_off, *_ = await queue.take(QUEUE, "a", 4)
    for held in (killed, cut_off):
        async with units.write() as unit:
            await unit.settle(held)
    assert await queue.fail(cut_off, "the connection was lost", None)
    with redis.client() as other:
        other.zadd(f"{QUEUE}:leases", {"killed": 1, "idle": 1, "\0": 1})
    assert await queue.take(QUEUE, "b", 3) == []
    assert sorted(each.id for each in await queue.list(QUEUE, Place.DEAD, 0, 9)) == ["\0", "idle"]
    assert (await queue.depth(QUEUE)).held == 0
    again = [Letter(type="job", payload={}, key=each.key) for each in letters]
    assert await queue.put(QUEUE, again) == 4  # and their keys are free
    await queue.close()
    await connection.close()
    await database.close()


async def test_idle(url: str) -> None:
    """A take where there is nothing leaves the writer alone."""
    database = Database(url)
    await migrate.upgrade(database)
    begun: list[str] = []
    event.listen(database._writer.sync_engine, "begin", lambda _connection: begun.append("w"))
    queue = SqlQueue(database, MovingClock(), RandomIds())
    assert await queue.take(QUEUE, "a", 9) == []
    assert begun == []
    await queue.put(QUEUE, [Letter(type="job", payload={})])
    assert len(await queue.take(QUEUE, "a", 9)) == 1
    assert begun
    await database.close()


async def test_sweep(url: str) -> None:
    """What was settled long ago is forgotten; what is younger, or can still be carried, stays."""
    database, clock = Database(url), MovingClock()
    await migrate.upgrade(database)
    rows = [
        {"queue": QUEUE, "task_id": str(hours), "at": clock.now() - timedelta(hours=hours)}
        for hours in (1, 47, 49, 100)
    ]
    async with database.write() as connection:
        await connection.execute(insert(settled), rows)
        letter = Letter(id="100", type="job", payload={})
        await extend(connection, [Message.posted(QUEUE, letter, clock)])
    assert await sweep(database, clock.now() - timedelta(hours=48)) == 1
    async with database.read() as connection:
        assert await connection.scalar(select(func.count()).select_from(settled)) == 3
    await database.close()
