"""A house of relays, readers, a speaker and a window, whose processes die, over one store."""

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any, ClassVar, cast

from meeting.kernel import ports
from meeting.kernel.consumer import Consumer
from meeting.kernel.message import Entry, Event, Message
from meeting.kernel.relay import Relay
from meeting.kernel.sole import Sole
from meeting.kernel.task import Task
from meeting.kernel.window import Window
from tests.simulation.loop import Loop
from tests.simulation.process import Process
from tests.simulation.twin.feed import Base, Redis, Store, Unit
from tests.simulation.twin.leases import Leases

READERS = {"numbers": ("a", "b"), "words": ("a",)}
QUEUE = "ai_tasks"
SAYINGS = 12
"""About how often something is announced."""
TROUBLE = 150.0
"""Virtual seconds in which much is said, and Redis may be lost."""
LEASED = 0.7
"""How many readers wait for a lease; those that do not may cost work, never an event."""
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
            async def handle(unit: Unit, _event: Event, entry: Entry) -> None:
                if self.loop.chance.random() < 0.05:
                    raise ZeroDivisionError
                if self._joined:
                    unit.effect(entry)
                else:
                    async with base.write() as apart:
                        apart.effect(entry)

            handlers = {Number: handle, Word: handle}
            feed: ports.Feed = redis
            if self.loop.chance.random() < LEASED:
                leases = cast(ports.Leases, Leases(redis))
                feed = Sole(redis, leases, owner=self.loop.new(), clock=self.loop)
            await Consumer(name, topic, feed=feed, units=base, handlers=handlers).run()

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
