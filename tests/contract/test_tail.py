"""The log as a reader of one process sees it: the same on SQL, over Redis, and on either."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from meeting.kernel.errors import Fault, Kind
from meeting.kernel.relay import Posted
from meeting.kernel.tail import Either, Tail
from meeting.stores.relational.outbox import LogTail, Posts
from meeting.transports.pubsub.feed import StreamTail
from tests.contract.feed import TOPIC, Number, say
from tests.contract.worlds import SqlWorld, Stepped
from tests.postgres import Postgres
from tests.redis import Redis, redis as server

KINDS = ("sql", "redis", "either")
World = SqlWorld | Stepped


class Away:
    """A tail that does not answer."""

    async def end(self) -> int:
        """Fail."""
        raise Fault(Kind.UNAVAILABLE, "away")

    async def after(self, topic: str, position: int, limit: int = 100) -> list[Posted]:
        """Fail."""
        raise Fault(Kind.UNAVAILABLE, "away")

    async def wait(self, topic: str, seconds: float) -> None:
        """Fail."""
        raise Fault(Kind.UNAVAILABLE, "away")


@asynccontextmanager
async def opened(kind: str, url: str, redis: Redis) -> AsyncIterator[tuple[World, Tail]]:
    """Open an empty log and a tail of it."""
    if kind == "redis":
        async with Stepped.open(url, redis.url()) as world:
            yield world, StreamTail(world.redis, Posts(world.database), world.growth)
    else:
        async with SqlWorld.open(url) as rows:
            tail = LogTail(rows.database)
            yield rows, tail if kind == "sql" else Either(Away(), tail)


@pytest.mark.parametrize("kind", KINDS)
async def test_what_is_behind_a_position(kind: str, url: str, redis: Redis) -> None:
    """Events of the topic alone, in commit order, each once; what was before the end is past."""
    async with opened(kind, url, redis) as (world, tail):
        assert await tail.end() == 0
        await say(world, 1, 2)
        end = await tail.end()
        assert await tail.after(TOPIC, end) == []
        await say(world, *range(5))
        first = await tail.after(TOPIC, end, limit=3)
        then = await tail.after(TOPIC, first[-1].position, limit=3)
        both = [*first, *then]
        assert [len(first), len(then)] == [3, 2]
        assert both == list(await tail.after(TOPIC, end))
        assert sorted(each.position for each in both) == [each.position for each in both]
        assert both[-1].position == await tail.end()
        assert await tail.after("other", 0) == []


@pytest.mark.parametrize("kind", ["sql", "redis"])
async def test_a_wait_ends_with_growth(kind: str, url: str, redis: Redis) -> None:
    """What grew since the last look ends the wait at once."""
    async with opened(kind, url, redis) as (world, tail):
        await tail.after(TOPIC, 0)
        await say(world, 1)
        await tail.wait(TOPIC, 3600)
        assert len(await tail.after(TOPIC, 0)) == 1


async def test_positions_are_the_same_on_both(cluster: Postgres) -> None:
    """A reader goes on where it is while Redis is away, and after it has come back."""
    with server(append="always") as redis:
        async with Stepped.open(cluster.database(), redis.url()) as world:
            stream = StreamTail(world.redis, Posts(world.database), world.growth)
            tail = Either(stream, LogTail(world.database))
            await say(world, 1, 2)
            found = list(await tail.after(TOPIC, 0))
            redis.kill()
            async with world.rows.write() as unit:
                unit.append(Number(value=3))
            found += await tail.after(TOPIC, found[-1].position)
            redis.resume()
            assert await tail.after(TOPIC, found[-1].position) == []
            await say(world, 1)
            found += await tail.after(TOPIC, found[-1].position)
            assert len(found) == len({each.position for each in found}) == 4


async def test_a_redis_that_came_back_empty_is_passed_over(url: str, redis: Redis) -> None:
    """Until it has been told as much again as the reader knows, news come from the rows."""
    async with Stepped.open(url, redis.url()) as world:
        stream = StreamTail(world.redis, Posts(world.database), world.growth)
        tail = Either(stream, LogTail(world.database))
        await say(world, 1, 2)
        end = await tail.end()
        with redis.client() as client:
            client.flushall()
        async with world.rows.write() as unit:
            unit.append(Number(value=3))
        with pytest.raises(Fault) as lost:
            await stream.after(TOPIC, end)
        assert lost.value.kind is Kind.UNAVAILABLE
        assert len(await tail.after(TOPIC, end)) == 1
        await world.carry()
        assert len(await stream.after(TOPIC, end)) == 1
