"""The log as a reader of one process sees it: the same on SQL, over Redis, and on either."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import ClassVar

import pytest
from sqlalchemy import delete

from meeting.kernel.errors import Fault, Kind
from meeting.kernel.follower import Follower
from meeting.kernel.message import Event
from meeting.kernel.relay import BATCH, Posted, Relay
from meeting.kernel.setback import Setback
from meeting.kernel.tail import Either, Tail
from meeting.stores.relational.outbox import LogTail, Posts, outbox
from meeting.transports.pubsub.carrier import RedisCarrier
from meeting.transports.pubsub.feed import StreamTail
from tests.contract.feed import TOPIC, Number, say
from tests.contract.worlds import SqlWorld, Stepped
from tests.postgres import Postgres
from tests.redis import Redis, redis as server

KINDS = ("sql", "redis", "either")
World = SqlWorld | Stepped


class Noise(Event, frozen=True, kw_only=True):
    """An event of a topic that the reader does not follow."""

    TYPE: ClassVar[str] = "noise.made"
    TOPIC: ClassVar[str] = "noise"
    value: int


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

    def doubt(self) -> None:
        """Have nothing that could be believed."""


class Moody(Away):
    """A tail that has nothing, where it answers."""

    def __init__(self) -> None:
        self.away = True

    async def after(self, topic: str, position: int, limit: int = 100) -> list[Posted]:
        """Find nothing."""
        return await super().after(topic, position, limit) if self.away else []

    async def wait(self, topic: str, seconds: float) -> None:
        """Hear nothing."""
        await asyncio.sleep(seconds)


class Beaten(RedisCarrier):
    """Carries nothing, because another relay always is a moment faster."""

    def __init__(self, carrier: RedisCarrier, faster: Relay) -> None:
        self._carrier = carrier
        self._faster = faster

    async def position(self) -> int:
        """Return how far the other has come."""
        return await self._carrier.position()

    async def carry(self, before: int, batch: Sequence[Posted]) -> bool:
        """Let the other carry first."""
        await self._faster.step()
        return await self._carrier.carry(before, batch)


def stream_of(world: Stepped) -> StreamTail:
    """Return the tail over a world's Redis."""
    return StreamTail(world.redis, Posts(world.database), world.growth, world.relay)


@asynccontextmanager
async def opened(kind: str, url: str, redis: Redis) -> AsyncIterator[tuple[World, Tail]]:
    """Open an empty log and a tail of it."""
    if kind == "redis":
        async with Stepped.open(url, redis.url()) as world:
            await world.carry()
            yield world, stream_of(world)
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
            stream = stream_of(world)
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
        stream = stream_of(world)
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


async def test_a_redis_that_is_filled_again_is_passed_over(url: str, redis: Redis) -> None:
    """A quiet reader's place is carried soon; what is new comes from the rows until all is."""
    async with Stepped.open(url, redis.url()) as world:
        stream = stream_of(world)
        tail = Either(stream, LogTail(world.database))
        await say(world, 1)
        quiet = await tail.end()
        async with world.units.write() as unit:
            for value in range(2 * BATCH):
                unit.append(Noise(value=value))
        with redis.client() as client:
            client.flushall()
        async with world.rows.write() as unit:
            unit.append(Number(value=2))
        for _ in range(2):
            assert await world.relay.step()
            assert await world.carrier.position() > quiet
            assert len(await tail.after(TOPIC, quiet)) == 1
            with pytest.raises(Fault) as behind:
                await stream.after(TOPIC, quiet)
            assert behind.value.kind is Kind.UNAVAILABLE
        await world.carry()
        assert len(await stream.after(TOPIC, quiet)) == 1


async def test_a_slow_relay_does_not_take_another_for_itself(url: str, redis: Redis) -> None:
    """Beside one that fills an emptied Redis it never believes that all is there."""
    async with Stepped.open(url, redis.url()) as world:
        async with world.units.write() as unit:
            for value in range(2 * BATCH):
                unit.append(Noise(value=value))
        slow = Relay(Posts(world.database), Beaten(world.carrier, world.relay))
        assert not await slow.step()
        assert slow.level
        with redis.client() as client:
            client.flushall()
        assert await slow.step()
        assert await world.carrier.position() == BATCH
        assert not slow.level


async def test_a_redis_that_takes_nothing_in_is_passed_over(url: str) -> None:
    """It can be read, and is full: news come from the rows, until it has been given them."""
    with server() as redis:
        async with Stepped.open(url, redis.url()) as world:
            stream = stream_of(world)
            tail = Either(stream, LogTail(world.database))
            await say(world, 1)
            end = await tail.end()
            with redis.client() as client:
                client.config_set("maxmemory", 1)
                with pytest.raises(Fault) as full:
                    await say(world, 2)
                assert full.value.kind is Kind.UNAVAILABLE
                assert len(await tail.after(TOPIC, end)) == 1
                client.config_set("maxmemory", 0)
            await world.carry()
            assert len(await stream.after(TOPIC, end)) == 1


async def test_a_redis_that_holds_what_the_log_has_lost(url: str, redis: Redis) -> None:
    """Who goes back with its log hears nothing of the lost again, and then all that is new."""
    heard: list[int] = []
    async with Stepped.open(url, redis.url()) as world:
        tail = Either(stream_of(world), LogTail(world.database))
        follower = Follower(TOPIC, tail, {Number: lambda event: heard.append(event.value)})
        setback = Setback(tail, [follower], heard.clear)
        await follower.begin()
        await say(world, 1, 2, 3)
        await follower.step()
        async with world.database.write() as connection:
            await connection.execute(
                delete(outbox).where(outbox.c.position > follower.position - 2)
            )
        await setback.look()
        assert not await follower.step()
        await world.carry()
        await say(world, 4)
        assert await follower.step()
        assert heard == [4]


async def test_a_wait_goes_on_after_the_other_was_asked(url: str) -> None:
    """What grew in the rows wakes a reader once, though they are not asked any more."""
    async with SqlWorld.open(url) as world:
        first = Moody()
        tail = Either(first, LogTail(world.database))
        await tail.after(TOPIC, 0)
        first.away = False
        await say(world, 1)
        await tail.wait(TOPIC, 3600)
        waiting = asyncio.create_task(tail.wait(TOPIC, 3600))
        with suppress(TimeoutError):
            await asyncio.wait_for(waiting, 0.3)
        assert waiting.cancelled(), "it is woken again and again"
