"""What every adapter of `Feed` promises, as checks that any adapter can be put through."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import ClassVar, Protocol

import pytest

from meeting.kernel.consumer import ATTEMPTS, TOGETHER, Consumer
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.message import Entry, Event, Raced
from meeting.kernel.parked import Aside, Pile
from meeting.kernel.ports import Feed, Unit, Units

TOPIC = "numbers"


class Number(Event, frozen=True, kw_only=True):
    """An event that says which one it is."""

    TYPE: ClassVar[str] = "number.said"
    TOPIC: ClassVar[str] = TOPIC
    value: int


class Whisper(Event, frozen=True, kw_only=True):
    """An event that the consumers here do not handle."""

    TYPE: ClassVar[str] = "number.whispered"
    TOPIC: ClassVar[str] = TOPIC
    value: int


class World(Protocol):
    """A log and the store that it lies in."""

    @property
    def feed(self) -> Feed:
        """Return the adapter under test."""

    @property
    def aside(self) -> Aside:
        """Return what an operator sees of the parked."""

    @property
    def units(self) -> Units[Unit]:
        """Open units on the store that the log belongs to."""


async def say(world: World, *values: int) -> None:
    """Append numbers, each in a commit of its own."""
    for value in values:
        async with world.units.write() as unit:
            unit.append(Number(value=value))


async def say_at_once(world: World, many: int) -> None:
    """Append the numbers below `many` in one commit."""
    async with world.units.write() as unit:
        for value in range(many):
            unit.append(Number(value=value))


async def take(world: World, consumer: str, limit: int = 100) -> list[int]:
    """Consume one pull and return the numbers."""
    entries = await world.feed.pull(consumer, TOPIC, limit)
    for entry in entries:
        async with world.units.write() as unit:
            await unit.advance(entry)
    return [Number.read(entry.message).value for entry in entries]


async def everything(world: World, consumer: str) -> list[int]:
    """Consume until there is nothing more, a few at a time."""
    taken: list[int] = []
    while more := await take(world, consumer, 7):
        taken += more
        assert len(taken) < 1000, "the feed gives the same entries again and again"
    return taken


async def all_in_order(world: World) -> None:
    """Every event arrives, once, in commit order."""
    await say(world, *range(50))
    assert await everything(world, "a") == list(range(50))


async def in_one_commit(world: World) -> None:
    """Events of one commit arrive together, in the order in which they were appended."""
    await say_at_once(world, 12)
    assert await everything(world, "a") == list(range(12))


async def consumers_apart(world: World) -> None:
    """Each consumer has a cursor of its own and gets everything."""
    await say(world, 1, 2, 3)
    assert await everything(world, "a") == [1, 2, 3]
    await say(world, 4)
    assert await everything(world, "b") == [1, 2, 3, 4]
    assert await everything(world, "a") == [4]


async def late_consumer(world: World) -> None:
    """A consumer that was away catches up in order."""
    await say(world, 1)
    assert await everything(world, "a") == [1]
    await say(world, *range(2, 30))
    assert await everything(world, "a") == list(range(2, 30))


async def unmoved_cursor(world: World) -> None:
    """What was pulled without moving the cursor is given again."""
    await say(world, 1, 2)
    first = await world.feed.pull("a", TOPIC)
    again = await world.feed.pull("a", TOPIC)
    assert [entry.message for entry in first] == [entry.message for entry in again]


async def rolled_back(world: World) -> None:
    """An event of a unit that failed is never seen, and a cursor that it moved did not move."""
    await say(world, 1)
    (entry,) = await world.feed.pull("a", TOPIC)
    with pytest.raises(ZeroDivisionError):
        async with world.units.write() as unit:
            unit.append(Number(value=99))
            await unit.advance(entry)
            raise ZeroDivisionError
    assert await everything(world, "a") == [1]


async def one_mover(world: World) -> None:
    """Of two readers with the same entry one moves the cursor; the other is told of it."""
    await say(world, 1, 2)
    (entry, _) = await world.feed.pull("a", TOPIC)
    async with world.units.write() as unit:
        await unit.advance(entry)
    with pytest.raises(Raced):
        async with world.units.write() as unit:
            await unit.advance(entry)
    assert await everything(world, "a") == [2]


async def whole_message(world: World) -> None:
    """Type, payload, time, source and id come back as they were written."""
    await say(world, 7)
    (once,) = await world.feed.pull("a", TOPIC)
    (twice,) = await world.feed.pull("b", TOPIC)
    assert once.message == twice.message
    assert once.message.type == "number.said"
    assert once.message.payload == {"value": 7}
    assert once.message.at.tzinfo is not None
    assert len(once.message.message_id) == 32


async def no_need_to_wait(world: World) -> None:
    """Waiting ends after its time, and no event depends on having waited."""
    await say(world, 1)
    await world.feed.wait("a", TOPIC, 0.001)
    assert await everything(world, "a") == [1]


async def woken_during(world: World) -> None:
    """What comes during a wait ends it."""
    assert await everything(world, "a") == []
    waiting = asyncio.create_task(world.feed.wait("a", TOPIC, 3600))
    await asyncio.sleep(0)
    await say(world, 1)
    await ended(waiting)


async def woken_before(world: World) -> None:
    """What came between the last pull and the wait ends the wait at once."""
    assert await everything(world, "a") == []
    await say(world, 1)
    await ended(asyncio.create_task(world.feed.wait("a", TOPIC, 3600)))


async def ended(waiting: asyncio.Task[None]) -> None:
    """See a wait end long before its time."""
    done, _ = await asyncio.wait({waiting}, timeout=10)
    waiting.cancel()
    assert done


async def whispered(world: World) -> list[int]:
    """Return what handlers have whispered, which is there once they have had their effect."""
    entries = await world.feed.pull("witness", TOPIC, 1000)
    return [
        Whisper.read(entry.message).value for entry in entries if entry.message.type == Whisper.TYPE
    ]


async def no_pause(_seconds: float) -> None:
    """Pass the time between tries."""


async def in_batches(world: World) -> None:
    """Effects of many events come in their order, each once, though some share a commit."""
    await say_at_once(world, 2 * TOGETHER + 1)

    async def handle(unit: Unit, event: Number, _entry: Entry) -> None:
        unit.append(Whisper(value=event.value))

    consumer = Consumer("a", TOPIC, feed=world.feed, units=world.units, handlers={Number: handle})
    while await consumer.step():
        pass
    assert await whispered(world) == list(range(2 * TOGETHER + 1))


async def failing_handler(world: World) -> None:
    """An event whose handler keeps failing is parked; those before and after have their effect."""
    await say_at_once(world, 2 * TOGETHER)
    failing = (5, TOGETHER)
    tries: Counter[int] = Counter()

    async def handle(unit: Unit, event: Number, _entry: Entry) -> None:
        unit.append(Whisper(value=event.value))
        if event.value in failing:
            tries[event.value] += 1
            raise ZeroDivisionError

    consumer = Consumer(
        "a", TOPIC, feed=world.feed, units=world.units, handlers={Number: handle}, pause=no_pause
    )
    while await consumer.step():
        assert tries.total() < 10 * ATTEMPTS
    assert await whispered(world) == [n for n in range(2 * TOGETHER) if n not in failing]
    # Alone so many times, and before that as often as a batch was halved around it.
    assert all(ATTEMPTS <= tries[n] <= ATTEMPTS + TOGETHER.bit_length() for n in failing), tries


async def hopeless_event(world: World) -> None:
    """An event that no other try would help is parked, and none of those that came with it."""
    await say_at_once(world, TOGETHER)

    async def handle(unit: Unit, event: Number, _entry: Entry) -> None:
        if event.value == TOGETHER // 2:
            raise Fault(Kind.MEETING_NOT_FOUND, "there is none")
        unit.append(Whisper(value=event.value))

    consumer = Consumer(
        "a", TOPIC, feed=world.feed, units=world.units, handlers={Number: handle}, pause=no_pause
    )
    while await consumer.step():
        pass
    assert await whispered(world) == [n for n in range(TOGETHER) if n != TOGETHER // 2]


async def park(world: World, consumer: str, *values: int) -> list[str]:
    """Say numbers that a consumer lays aside; their ids."""
    await say(world, *values)
    ids = []
    for entry in await world.feed.pull(consumer, TOPIC):
        async with world.units.write() as unit:
            await unit.park(entry, "it fails", ATTEMPTS)
        ids.append(entry.message.message_id)
    return ids


async def laid_aside(world: World) -> None:
    """What is parked is counted and shown until somebody throws it away, and does not come back."""
    first, second = await park(world, "a", 1, 2)
    assert await world.aside.count() == [Pile(consumer="a", topic=TOPIC, events=2)]
    found = await world.aside.list("", 0, 10)
    assert [each.message.message_id for each in found] == [first, second]
    shown = await world.aside.find("a", first)
    assert shown is not None
    assert (shown.message.payload, shown.error, shown.again) == ({"value": 1}, "it fails", False)
    assert await everything(world, "a") == []
    assert await world.aside.purge("a", first) == 1
    assert await world.aside.purge("b") == 0
    assert await world.aside.purge("a") == 1
    assert await world.aside.count() == []


async def handled_again(world: World) -> None:
    """A parked event is handled once more by its consumer alone, and what is new goes on."""
    (name,) = await park(world, "a", 1)
    (entry,) = await world.feed.pull("b", TOPIC)
    assert await everything(world, "b") == [1]
    await say(world, 2)
    assert await world.aside.requeue("b", name) == 0
    assert await world.aside.requeue("a", name) == 1
    (again,) = await world.feed.pull("a", TOPIC)
    assert again.message == entry.message
    assert await everything(world, "a") == [1, 2]
    assert await world.aside.find("a", name) is None
    assert await everything(world, "b") == [2]


async def again_once(world: World) -> None:
    """Of two readers that handle a parked event again, one has the effect; so with a purge."""
    (name, _) = await park(world, "a", 1, 2)
    assert await world.aside.requeue("a") == 2
    (entry,) = await world.feed.pull("a", TOPIC)
    with pytest.raises(ZeroDivisionError):
        async with world.units.write() as unit:
            await unit.advance(entry)
            raise ZeroDivisionError
    assert await world.aside.find("a", entry.message.message_id) is not None
    async with world.units.write() as unit:
        await unit.advance(entry)
    (other,) = await world.feed.pull("a", TOPIC)
    assert {entry.message.message_id, other.message.message_id} > {name}
    assert await world.aside.purge("a") == 1
    for late in (entry, other):
        with pytest.raises(Raced):
            async with world.units.write() as unit:
                await unit.advance(late)
    await say(world, 3)
    assert await everything(world, "a") == [3]


async def fails_again(world: World) -> None:
    """What fails again stays aside, with all its attempts, and is not handled a third time."""
    (name,) = await park(world, "a", 1)
    await world.aside.requeue("a", name)
    (entry,) = await world.feed.pull("a", TOPIC)
    async with world.units.write() as unit:
        await unit.park(entry, "it fails otherwise", 1)
    assert await everything(world, "a") == []
    (found,) = await world.aside.list("a", 0, 10)
    assert (found.attempts, found.error) == (ATTEMPTS + 1, "it fails otherwise")
    with pytest.raises(Raced):
        async with world.units.write() as unit:
            await unit.park(entry, "late", 1)


async def lost_races(world: World) -> None:
    """That another reader was faster with some events is no failure of the next one."""
    await say(world, *range(ATTEMPTS))
    tries: list[int] = []

    class Outrun:
        """A feed whose first entry another reader consumes, before we do, until one is left."""

        wait = world.feed.wait

        async def pull(self, consumer: str, topic: str, limit: int = 100) -> Sequence[Entry]:
            """Give what is stale by now."""
            found = await world.feed.pull(consumer, topic, limit)
            if len(found) > 1:
                async with world.units.write() as unit:
                    await unit.advance(found[0])
            return found

    async def handle(unit: Unit, event: Number, _entry: Entry) -> None:
        tries.append(event.value)
        if len(tries) == 1:
            raise ZeroDivisionError
        unit.append(Whisper(value=event.value))

    consumer = Consumer(
        "a", TOPIC, feed=Outrun(), units=world.units, handlers={Number: handle}, pause=no_pause
    )
    left = True
    while left:
        with suppress(Raced):
            left = await consumer.step()
    assert tries == [ATTEMPTS - 1] * 2
    assert await whispered(world) == [ATTEMPTS - 1]


async def skipped(world: World) -> None:
    """Events that nobody handles are passed over and do not come back."""
    seen: list[int] = []

    async def handle(_unit: Unit, event: Number, _entry: Entry) -> None:
        seen.append(event.value)

    async with world.units.write() as unit:
        unit.append(Whisper(value=0))
        unit.append(Number(value=1))
        unit.append(Whisper(value=2))
    consumer = Consumer("a", TOPIC, feed=world.feed, units=world.units, handlers={Number: handle})
    while await consumer.step():
        pass
    assert seen == [1]
    assert await world.feed.pull("a", TOPIC) == []


PROMISES: Sequence[Callable[[World], Awaitable[None]]] = (
    all_in_order,
    in_one_commit,
    consumers_apart,
    late_consumer,
    unmoved_cursor,
    rolled_back,
    one_mover,
    whole_message,
    no_need_to_wait,
    woken_during,
    woken_before,
    in_batches,
    failing_handler,
    hopeless_event,
    laid_aside,
    handled_again,
    again_once,
    fails_again,
    lost_races,
    skipped,
)
