"""What a consumer makes of trouble: it waits for stores, repeats, parks, and never gives up."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from meeting.kernel.consumer import LONGEST_PAUSE, Consumer
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.message import Entry
from meeting.kernel.ports import Unit
from meeting.stores.relational.unit import SqlUnits
from tests.contract.feed import TOPIC, Number, Whisper, everything, park, say
from tests.contract.worlds import NumberUnit, SqlWorld
from tests.stores import at

ATTEMPTS = 5
TOGETHER = 1
"""Tries of an event that comes with others, before it is tried alone."""


class Watched:
    """A consumer on a real log that fails as it is told to, and the pauses that it made."""

    def __init__(self, world: SqlWorld) -> None:
        self.world = world
        self.pauses: list[float] = []
        self.done: list[int] = []
        self.faults: list[Exception | None] = []
        """What the handler raises next, None: nothing; when there is no more, it works."""
        self.finished = asyncio.Event()
        self.consumer = Consumer(
            "a",
            TOPIC,
            feed=world.feed,
            units=world.units,
            handlers={Number: self.handle},
            pause=self.pause,
        )

    async def pause(self, seconds: float) -> None:
        """Note a pause instead of making it."""
        self.pauses.append(seconds)
        await asyncio.sleep(0)

    async def handle(self, unit: Unit, event: Number, _entry: Entry) -> None:
        """Fail, or take the event; after a 2 the 0 is said."""
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault
        self.done.append(event.value)
        if event.value == 2:
            unit.append(Number(value=0))
        if event.value == 0:
            self.finished.set()

    async def run(self) -> None:
        """Run it as its module does, until it has met the number 0."""
        running = asyncio.create_task(self.consumer.run())
        finished = asyncio.create_task(self.finished.wait())
        async with asyncio.timeout(20):
            await asyncio.wait({running, finished}, return_when=asyncio.FIRST_COMPLETED)
        assert not running.done(), running
        running.cancel()
        await asyncio.wait({running})


@pytest.fixture
async def watched(tmp_path: Path) -> AsyncIterator[Watched]:
    """A consumer of a log that lies in a file."""
    async with SqlWorld.open(at(tmp_path)) as world:
        yield Watched(world)


@pytest.mark.parametrize("kind", [Kind.UNAVAILABLE, Kind.DEADLINE])
async def test_a_store_that_is_away_is_waited_for(watched: Watched, kind: Kind) -> None:
    """Ever more slowly up to a bound, as long as it takes; nothing is parked or passed over."""
    await say(watched.world, 1, 2)
    watched.faults = [Fault(kind, "away") for _ in range(12)]
    await watched.run()
    assert watched.done == [1, 2, 0]
    assert watched.pauses[:4] == [0.1, 0.2, 0.4, 0.8]
    assert watched.pauses[-3:] == [LONGEST_PAUSE] * 3
    assert len(watched.pauses) == 12


async def test_the_pause_begins_anew(watched: Watched) -> None:
    """After a success the next trouble is waited for as briefly as the first."""
    away = Fault(Kind.UNAVAILABLE, "away")
    watched.faults = [away, away, None, away, away]
    await say(watched.world, 2)
    await watched.run()
    assert watched.pauses == [0.1, 0.2, 0.1, 0.2]


async def test_a_lost_race_for_the_cursor(watched: Watched) -> None:
    """Where another reader moved the cursor first, its events are not handled again."""
    await say(watched.world, 1, 2)
    pull = watched.world.feed.pull

    class Late:
        """Lets another reader of the same name in between pull and effect, once."""

        wait = watched.world.feed.wait
        raced = False

        async def pull(self, consumer: str, topic: str, limit: int = 100) -> object:
            """Give what is stale by the time it is handled."""
            found = await pull(consumer, topic, limit)
            if not self.raced:
                self.raced = True
                assert await everything(watched.world, "a") == [1, 2]
                await say(watched.world, 0)
            return found

    watched.consumer._feed = Late()  # type: ignore[assignment]
    await watched.run()
    assert watched.done == [0]
    assert len(watched.pauses) == 1


@pytest.mark.parametrize(
    "failure",
    [lambda: ZeroDivisionError("no"), lambda: Fault(Kind.CONFLICT, "not now")],
    ids=["defect", "fault"],
)
async def test_what_keeps_failing_is_parked(
    watched: Watched, failure: Callable[[], Exception]
) -> None:
    """After five tries with growing pauses an event is laid aside, and the next has its effect."""
    await say(watched.world, 1, 0)
    watched.faults = [failure() for _ in range(TOGETHER + ATTEMPTS)]
    await watched.run()
    assert watched.done == [0]
    assert watched.pauses == sorted(watched.pauses)
    assert len(watched.pauses) == ATTEMPTS - 1
    async with watched.world.database.read() as connection:
        parked = await connection.exec_driver_sql("SELECT attempts, error FROM outbox_parked")
        attempts, error = tuple(parked.one())
    assert attempts == ATTEMPTS
    assert type(failure()).__name__ in error


class Away:
    """Units of which one can't be opened, as of a store that is away for a moment."""

    def __init__(self, units: SqlUnits[NumberUnit], number: int) -> None:
        self._units = units
        self._left = number

    @asynccontextmanager
    async def write(self) -> AsyncIterator[NumberUnit]:
        """Open one, but for that which is the last of so many."""
        self._left -= 1
        if not self._left:
            raise Fault(Kind.UNAVAILABLE, "away")
        async with self._units.write() as unit:
            yield unit


async def test_what_could_not_be_parked_is_parked_later(watched: Watched) -> None:
    """A store that is away for the parking alone does not have the event tried for ever."""
    await say(watched.world, 1, 0)
    watched.faults = [ZeroDivisionError() for _ in range(TOGETHER + ATTEMPTS + 1)]
    number = TOGETHER + ATTEMPTS + 1
    watched.consumer._units = Away(watched.world.units, number)  # type: ignore[assignment]
    await watched.run()
    assert watched.done == [0]


async def test_one_at_a_time(watched: Watched) -> None:
    """A consumer that takes events singly repeats no effect of one for the failure of another."""
    await say(watched.world, 1, 2)
    told: list[int] = []

    async def effect(event: Number, _entry: Entry) -> None:
        told.append(event.value)
        if told == [1, 2]:
            raise ZeroDivisionError

    consumer = Consumer(
        "b",
        TOPIC,
        feed=watched.world.feed,
        units=watched.world.units,
        effects={Number: effect},
        together=1,
        pause=watched.pause,
    )
    while await consumer.step():
        pass
    assert told == [1, 2, 2]


async def test_what_can_t_go_better_is_parked_at_once(watched: Watched) -> None:
    """An event that no other try would help is laid aside without a pause for those behind it."""
    await say(watched.world, 1, 0)
    watched.faults = [Fault(Kind.MEETING_NOT_FOUND, "there is none")] * (TOGETHER + 1)
    await watched.run()
    assert watched.done == [0]
    assert watched.pauses == []
    async with watched.world.database.read() as connection:
        parked = await connection.exec_driver_sql("SELECT attempts, error FROM outbox_parked")
        assert tuple(parked.one()) == (1, "Fault: there is none")


async def test_what_fails_a_few_times_is_not_parked(watched: Watched) -> None:
    """A handler that works at its fifth try has its effect, once."""
    await say(watched.world, 1, 0)
    watched.faults = [ZeroDivisionError() for _ in range(ATTEMPTS - 1)]
    await watched.run()
    assert watched.done == [1, 0]


async def test_what_is_handled_again_has_one_try(watched: Watched) -> None:
    """An event that an operator wants handled again has its effect, or stays parked at once."""
    await park(watched.world, "a", 3, 4)
    await watched.world.aside.requeue("a")
    watched.faults = [ZeroDivisionError("still no")]
    await say(watched.world, 0)
    await watched.run()
    assert watched.done == [4, 0]
    assert watched.pauses == []
    (left,) = await watched.world.aside.list("a", 0, 9)
    assert (left.error, left.attempts) == ("ZeroDivisionError: still no", ATTEMPTS + 1)
    assert not left.again


async def test_what_nobody_handles_any_more_stays_parked(watched: Watched) -> None:
    """A parked event whose handler is gone is not passed over like one of the log."""
    async with watched.world.units.write() as unit:
        unit.append(Whisper(value=1))
    await park(watched.world, "a")
    await watched.world.aside.requeue("a")
    await say(watched.world, 0)
    await watched.run()
    (left,) = await watched.world.aside.list("a", 0, 9)
    assert (left.message.type, left.again) == (Whisper.TYPE, False)
