"""Relays and consumers killed anywhere over a Redis that forgets: no event lost, none twice."""

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

import pytest

from meeting.kernel.consumer import Consumer
from meeting.kernel.message import Entry, Event, Message
from meeting.kernel.relay import Posted, Relay
from meeting.kernel.task import Task
from meeting.kernel.window import Window
from tests.simulation.loop import Loop, Scene, explore
from tests.simulation.model.feed import Server
from tests.simulation.process import Process
from tests.simulation.twin.feed import Base, Redis, Store

READERS = {"numbers": ("a", "b"), "words": ("a",)}
QUEUE = "ai_tasks"
SEEDS = 100
SAYINGS = 12
"""About how often something is announced."""
TROUBLE = 150.0
"""Virtual seconds in which much is said, and Redis may be lost."""
PEACE = TROUBLE + 600
"""By when all must be done."""
KEPT = timedelta(seconds=2)


class Number(Event, frozen=True, kw_only=True):
    """An event that is handled."""

    TYPE: ClassVar[str] = "number.said"
    TOPIC: ClassVar[str] = "numbers"


class Whisper(Event, frozen=True, kw_only=True):
    """An event that nobody handles."""

    TYPE: ClassVar[str] = "number.whispered"
    TOPIC: ClassVar[str] = "numbers"


class Word(Event, frozen=True, kw_only=True):
    """An event of another topic."""

    TYPE: ClassVar[str] = "word.said"
    TOPIC: ClassVar[str] = "words"


class Job(Task, frozen=True, kw_only=True):
    """A task that passes through."""

    TYPE: ClassVar[str] = "job"
    QUEUE: ClassVar[str] = QUEUE


KINDS: tuple[type[Event | Job], ...] = (Number, Number, Word, Whisper, Job)
Part = Callable[[Base, Redis], Coroutine[Any, Any, None]]


class House:
    """The processes over one store; whichever dies is begun anew."""

    def __init__(self, loop: Loop, base: type[Base], redis: type[Redis], *, joined: bool) -> None:
        self.loop = loop
        self.store = Store(loop, READERS)
        self._base, self._redis, self._joined = base, redis, joined
        self._made = 0

    def begin(self, part: Part) -> Process:
        """Run a part of the house in a process of its own."""
        self._made += 1
        process = Process(
            self.loop, f"p{self._made}", crash=0.01, freeze=0.01, longest=20, slow=0.3
        )
        process.start(part(self._base(self.store, process), self._redis(self.store, process)))
        return process

    async def speak(self, base: Base, _redis: Redis) -> None:
        """Announce this and that, and take in what strangers say, more than once."""
        chance = self.loop.chance
        while self.loop.time() < TROUBLE:
            await asyncio.sleep(chance.uniform(0, 2 * TROUBLE / SAYINGS))
            async with base.write() as unit:
                for _ in range(chance.randrange(1, 4)):
                    kind = chance.choice(KINDS)
                    unit.append(kind()) if issubclass(kind, Event) else unit.enqueue(kind())
            fields: dict[str, Any] = {"payload": {}, "source": "", "kind": "foreign"}
            name, at = f"stranger {chance.randrange(9)}", self.loop.now()
            stranger = Message(type=Word.TYPE, message_id=name, topic=Word.TOPIC, at=at, **fields)
            await base.adopt([stranger, stranger], [])

    async def relay(self, base: Base, redis: Redis) -> None:
        """Carry."""
        await Relay(base, redis).run()

    async def window(self, base: Base, redis: Redis) -> None:
        """Forget what is old."""
        await Window(base, redis, KEPT).run()

    def reader(self, name: str, topic: str) -> Part:
        """Return one that consumes a topic."""

        async def consume(base: Base, redis: Redis) -> None:
            async def handle(_event: Event, entry: Entry) -> None:
                if self.loop.chance.random() < 0.05:
                    raise ZeroDivisionError
                async with base.write() as unit:
                    unit.effect(entry)
                    if self._joined:
                        await unit.advance(entry)
                if not self._joined:
                    async with base.write() as unit:
                        await unit.advance(entry)

            handlers = {Number: handle, Word: handle}
            await Consumer(name, topic, feed=redis, units=base, handlers=handlers).run()

        return consume

    async def live(self) -> None:
        """Let all of them run through the trouble, and then until everything is done."""
        readers = [self.reader(name, topic) for topic in READERS for name in READERS[topic]]
        parts: list[Part] = [self.speak, self.relay, self.relay, self.window]
        running = [(part, self.begin(part)) for part in (*parts, *readers, *readers)]
        while self.loop.time() < TROUBLE or (self.loop.time() < PEACE and not self.finished()):
            await asyncio.sleep(1)
            self.fate()
            for at, (part, process) in enumerate(running):
                if process.dead:
                    running[at] = part, self.begin(part)
        for _, process in running:
            process.kill()

    def fate(self) -> None:
        """Let Redis write down what it holds, go away, and come back with less."""
        drawn = self.loop.chance.random()
        if self.store.away:
            self.store.away = self.loop.time() < TROUBLE and drawn < 0.9
        elif self.loop.time() < TROUBLE:
            if drawn < 0.1:
                self.store.keep()
            if drawn < 0.02:
                self.store.away = True
            if 0.02 < drawn < 0.05:
                self.store.lose()

    def wanted(self, topic: str) -> list[str]:
        """Return what each reader of a topic must have done, in this order."""
        said = self.store.said[topic]
        return [each.message_id for each in said if each.type != Whisper.TYPE]

    def finished(self) -> bool:
        """Tell whether there is nothing left to do, as far as the counts say."""
        done, store = self.store.done, self.store
        return len(store.laid) >= len(store.asked) and all(
            len(done[name, topic]) >= len(self.wanted(topic))
            for topic in READERS
            for name in READERS[topic]
        )


def scene(
    base: type[Base] = Base, redis: type[Redis] = Redis, *, joined: bool = True
) -> Scene[None]:
    """Let a house live, and see that all that was announced was done, once and in order."""

    async def play(loop: Loop) -> None:
        house = House(loop, base, redis, joined=joined)
        await house.live()
        for topic, names in READERS.items():
            for name in names:
                assert house.store.done[name, topic] == house.wanted(topic), (name, topic)
        assert house.store.parked == []
        assert house.store.laid == set(house.store.asked)
        assert house.store.said

    return play


class Hasty(Redis):
    """Moves the position, and then sends."""

    async def carry(self, before: int, batch: Sequence[Posted]) -> bool:
        """Mark the batch; whoever dies now has not sent it."""
        server = await self.reach(f"carry {before}")
        if server.position != before:
            return False
        server.position = batch[-1].position
        await self.step(f"marked {before}")
        send(server, batch)
        self.store.lay(batch)
        return True


class Late(Redis):
    """Sends, and moves the position later."""

    async def carry(self, before: int, batch: Sequence[Posted]) -> bool:
        """Send the batch; whoever dies now will send it again."""
        server = await self.reach(f"carry {before}")
        if server.position != before:
            return False
        send(server, batch)
        self.store.lay(batch)
        await self.step(f"sent {before}")
        server.position = batch[-1].position
        return True


def send(server: Server, batch: Sequence[Posted]) -> None:
    """Lay a batch into streams and queues, and leave the position alone."""
    for each in batch:
        if each.message.kind == "task":
            server.queues[each.message.topic].append(each.message)
        else:
            server.streams[each.message.topic].append(each)


class Apart(Redis):
    """Keeps the position with the rows, and not with what is carried."""

    async def position(self) -> int:
        """Look into the database."""
        await self.reach("position")
        return self.store.rows.standing("relay", "")

    async def carry(self, before: int, batch: Sequence[Posted]) -> bool:
        """Mark it there."""
        (await self.reach(f"carry {before}")).position = before
        self.store.rows.cursors["relay", ""] = batch[-1].position
        return await super().carry(before, batch)


class Ruthless(Base):
    """Forgets what is old, read or not."""

    async def trim(self, kept: timedelta, carried: int | None) -> Mapping[str, int]:
        """Ask for no reader."""
        await self.step("trim")
        return self.store.rows.trim(self.store.loop.now() - kept, {}, carried)


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say nothing of all that fails on purpose; carry little at a time, forget soon."""
    for name in ("relay", "consumer", "window"):
        monkeypatch.setattr(f"meeting.kernel.{name}.log", Silence())
    monkeypatch.setattr("meeting.kernel.relay.BATCH", 4)
    monkeypatch.setattr("meeting.kernel.window.LOOK_SECONDS", 5)


class Silence:
    """A log that nobody reads."""

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_given, **_named: None


def test_nothing_lost_nor_doubled() -> None:
    """Whoever dies and whatever Redis forgets, each event has its effect once, in order."""
    assert explore(scene(), range(SEEDS)) > 0


def test_replays() -> None:
    """The same seed leads to the same trace, another to another."""

    def digest(seed: int) -> str:
        loop = Loop(seed)
        loop.run(scene())
        return hashlib.sha256("\n".join(loop.trace).encode()).hexdigest()

    assert digest(5) == digest(5)
    assert digest(5) != digest(6)


@pytest.mark.parametrize(
    "broken",
    [
        scene(redis=Hasty),
        scene(redis=Late),
        scene(redis=Apart),
        scene(Ruthless),
        scene(joined=False),
    ],
    ids=[
        "marks before it sends",
        "marks after it has sent",
        "keeps the position elsewhere",
        "forgets what is not read",
        "moves the cursor apart from the effect",
    ],
)
def test_rejects(broken: Scene[None]) -> None:
    """The simulation turns red within its seeds on what loses or doubles, and names the seed."""
    with pytest.raises(AssertionError, match=r"seed \d+ failed"):
        explore(broken, range(SEEDS))
