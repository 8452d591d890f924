"""One reader a consumer and topic, over every adapter of `Leases`, by a clock that is moved."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from pathlib import Path

import pytest

from meeting.kernel.consumer import Consumer, Effect
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.message import Entry, Raced
from meeting.kernel.ports import Unit
from meeting.kernel.sole import LOOK, TTL, Sole, place
from tests.clock import MovingClock
from tests.contract.feed import TOPIC, Number, say
from tests.contract.worlds import ServerLeases, SqlLeases, SqlWorld, served
from tests.redis import Redis, redis as server
from tests.stores import at

SOON = TTL * LOOK


class Readers:
    """A log, the leases of its readers, and the time of both."""

    def __init__(self, world: SqlWorld, holds: SqlLeases | ServerLeases) -> None:
        self.world = world
        self.holds = holds
        self.clock = MovingClock()
        self.done: list[tuple[str, int]] = []
        """Who has handled what."""

    async def move(self, span: timedelta) -> None:
        """Let time pass for processes and leases."""
        self.clock.move(span)
        await self.holds.move(span)

    def reader(self, owner: str) -> Sole:
        """Make the feed of a process; where it waits for a lease, time passes."""

        async def pause(seconds: float) -> None:
            await self.move(timedelta(seconds=seconds))

        leases = self.holds.leases
        return Sole(self.world.feed, leases, owner=owner, clock=self.clock, pause=pause)

    def consumer(self, owner: str, busy: Effect) -> Consumer:
        """Make a consumer in a process of its own, which is busy before it commits."""

        async def handle(unit: Unit, event: Number, entry: Entry) -> None:
            self.done.append((owner, event.value))

        return Consumer(
            "a",
            TOPIC,
            feed=self.reader(owner),
            units=self.world.units,
            handlers={Number: handle},
            effects={Number: busy},
        )


@pytest.fixture(params=["sql", "redis"])
async def readers(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Readers]:
    """A log with ten numbers, and leases in either store."""
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(SqlWorld.open(at(tmp_path)))
        holds: SqlLeases | ServerLeases = SqlLeases(world.database)
        if request.param == "redis":
            redis: Redis = request.getfixturevalue("redis")
            holds = await stack.enter_async_context(served(redis))
        await say(world, *range(10))
        yield Readers(world, holds)


async def pulled(sole: Sole, consumer: str = "a") -> int:
    """Pull, and count what came."""
    return len(await sole.pull(consumer, TOPIC))


async def test_one_reads(readers: Readers) -> None:
    """Of two processes that pull one alone is given entries, for as long as it comes back."""
    first, second = readers.reader("first"), readers.reader("second")
    for _ in range(10):
        assert await pulled(first) == 10
        assert await pulled(second) == 0
        await readers.move(SOON)


async def test_of_many_at_once_one_reads(readers: Readers) -> None:
    """Processes that begin at the same moment agree on one."""
    soles = [readers.reader(f"process {number}") for number in range(8)]
    for _ in range(2):
        assert sorted(await asyncio.gather(*map(pulled, soles))) == [0] * 7 + [10]


async def test_each_consumer_for_itself(readers: Readers) -> None:
    """Who reads for one consumer does not keep others from reading for another."""
    first, second = readers.reader("first"), readers.reader("second")
    assert await pulled(first, "a") == await pulled(second, "b") == 10
    assert await pulled(first, "b") == await pulled(second, "a") == 0


async def test_who_does_not_read_looks_again_soon(readers: Readers) -> None:
    """Whoever has no lease waits a moment, though there is something in the log."""
    first, second = readers.reader("first"), readers.reader("second")
    assert (await pulled(first), await pulled(second)) == (10, 0)
    before = readers.clock.monotonic()
    await second.wait("a", TOPIC, 60)
    assert readers.clock.monotonic() - before == SOON.total_seconds()
    await second.wait("a", TOPIC, 0.5)
    assert readers.clock.monotonic() - before == SOON.total_seconds() + 0.5


async def test_who_reads_is_woken(readers: Readers) -> None:
    """Whoever has the lease waits as the log does, though never for long."""
    sole = readers.reader("first")
    await sole.pull("a", TOPIC)
    waiting = asyncio.create_task(sole.wait("a", TOPIC, 60))
    async with asyncio.timeout(SOON.total_seconds() * 0.9):
        await say(readers.world, 10)
        await waiting
    assert await pulled(sole) == 11
    async with asyncio.timeout(20):
        await sole.wait("a", TOPIC, 60)
    assert readers.clock.monotonic() == MovingClock().monotonic()


async def test_the_successor_of_a_killed_one(readers: Readers) -> None:
    """Where a reader says nothing any more another takes its place, within seconds."""
    killed, successor = readers.reader("killed"), readers.reader("successor")
    assert await pulled(killed) == 10
    await readers.move(SOON * 0.9)
    assert await pulled(killed) == 10
    begun = readers.clock.monotonic()
    async with asyncio.timeout(20):
        while not await successor.pull("a", TOPIC):
            await successor.wait("a", TOPIC, 60)
    assert readers.clock.monotonic() - begun <= (TTL + SOON).total_seconds()
    assert await pulled(killed) == 0


async def test_the_successor_of_one_that_ends(readers: Readers) -> None:
    """A reader that gives back what it has is followed at once; what is another's stays."""
    first, second = readers.reader("first"), readers.reader("second")
    assert await pulled(first) == await pulled(second, "b") == 10
    await first.release()
    assert await pulled(second) == 10
    await first.release()
    assert await pulled(readers.reader("third")) == 0
    assert [lease.key for lease in await readers.holds.leases.list("")] == [
        place("a", TOPIC),
        place("b", TOPIC),
    ]


async def test_one_that_stood_still(readers: Readers) -> None:
    """Whoever comes back after its lease is over reads on if nobody else does, and else not."""
    first, second = readers.reader("first"), readers.reader("second")
    assert await pulled(first) == 10
    await readers.move(TTL * 3)
    assert await pulled(first) == 10
    assert await pulled(second) == 0
    await readers.move(TTL * 3)
    assert await pulled(second) == 10
    assert await pulled(first) == 0


async def test_a_handler_that_takes_longer_than_the_lease(readers: Readers) -> None:
    """Another goes on meanwhile; the late commit is refused, once, and no more is read."""

    async def quick(_event: Number, _entry: Entry) -> None:
        """Take no time."""

    other = readers.consumer("other", quick)

    async def slow(_event: Number, _entry: Entry) -> None:
        await readers.move(TTL)
        while await other.step():
            pass

    late = readers.consumer("late", slow)
    with pytest.raises(Raced):
        await late.step()
    assert not await late.step()
    assert readers.done == [("other", value) for value in range(10)]


async def test_leases_that_are_away(tmp_path: Path) -> None:
    """Nobody is given anything then, not even the holder for long; and the end is not held up."""
    with server(append="always") as own:
        async with SqlWorld.open(at(tmp_path)) as world, served(own) as holds:
            readers = Readers(world, holds)
            await say(world, 1)
            first, second = readers.reader("first"), readers.reader("second")
            assert await pulled(first) == 1
            own.kill()
            readers.clock.move(SOON)
            for sole in (first, second):
                with pytest.raises(Fault) as caught:
                    await sole.pull("a", TOPIC)
                assert caught.value.kind is Kind.UNAVAILABLE
            await second.release()
            own.resume()
            assert (await pulled(first), await pulled(second)) == (1, 0)
            own.freeze()
            async with asyncio.timeout(3):
                await first.release()
            own.thaw()
