"""Outbox, relay's carrier, feed, adoption and keeper over the reference model, in memory.

`Store` is what outlives processes: a database and a Redis, which may be lost, set back or away.
`Base` and `Redis` are one process's ways to them, with a point to fail at before and after every
effect.
"""

import asyncio
import copy
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

import msgspec

from meeting.kernel.errors import Fault, Kind
from meeting.kernel.foreign import Stray
from meeting.kernel.growth import Growth
from meeting.kernel.lease import Lease
from meeting.kernel.letter import Held, Letter, Over
from meeting.kernel.message import Entry, Event, Message, Raced
from meeting.kernel.relay import Posted
from meeting.kernel.task import Task
from tests.simulation.loop import Loop
from tests.simulation.model.feed import Rows, Server
from tests.simulation.process import Process

CUT = 0.02
"""How often an answer of Redis is lost."""
HEARD = 0.9
"""How often a wake-up is heard."""


class Store:
    """The rows, the Redis, and what has come of it all."""

    def __init__(self, loop: Loop, readers: Mapping[str, Sequence[str]]) -> None:
        self.loop = loop
        self.readers = readers
        self.rows = Rows()
        self.server = Server()
        self.growth = Growth()
        self.away = False
        """Redis does not answer."""
        self.said: defaultdict[str, list[Message]] = defaultdict(list)
        """All events of a topic in commit order."""
        self.done: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
        """Ids of the events that had their effect, by consumer and topic."""
        self.parked: list[Message] = []
        self.asked: list[str] = []
        """Ids of all tasks in commit order."""
        self.laid: set[str] = set()
        """Ids of those that ever came into a queue; that they stay there is the queue's matter."""
        self.settled: set[str] = set()
        self.leases: dict[str, Lease] = {}
        """Holds by key; they lie in Redis."""
        self._older: list[Server] = []

    def keep(self) -> None:
        """Remember what Redis holds, as it writes it down each second."""
        self._older.append(copy.deepcopy(self.server))

    def lose(self) -> None:
        """Let Redis come back as it was, or empty."""
        chance = self.loop.chance
        older = chance.choice([*self._older[-2:], Server()])
        self.server = copy.deepcopy(older)
        self.leases = {}
        self.loop.note(f"redis comes back at {self.server.position}")

    def wake(self) -> None:
        """Wake whoever waits, mostly: a hint may be lost."""
        if self.loop.chance.random() < HEARD:
            self.growth.anyhow()

    def commit(self, unit: "Unit") -> None:
        """Do all that a transaction is to do."""
        if any(each in self.settled for each in unit.ended):
            raise Over
        if not self.rows.commit(unit.said, unit.moves):
            raise Raced
        self.committed(unit.said)
        self.settled |= set(unit.ended)
        self.parked += unit.parked
        for entry in unit.effects:
            self.done[entry.consumer, entry.topic].append(entry.message.message_id)

    def lay(self, batch: Sequence[Posted]) -> None:
        """Know which tasks have come into a queue."""
        self.laid |= {each.message.message_id for each in batch if each.message.kind == "task"}

    def committed(self, messages: Sequence[Message]) -> None:
        """Know what must come of it."""
        for message in messages:
            if message.kind == "task":
                self.asked.append(message.message_id)
            else:
                self.said[message.topic].append(message)


class Unit:
    """A transaction: what it does happens at once, at its end, or not at all."""

    def __init__(self, loop: Loop) -> None:
        self._loop = loop
        self.said: list[Message] = []
        self.moves: list[Entry] = []
        self.effects: list[Entry] = []
        self.parked: list[Message] = []
        self.ended: list[str] = []

    def append(self, event: Event) -> None:
        """Announce an event."""
        self.said.append(Message.of(event, "twin", self._loop, self._loop))

    def enqueue(self, task: Task, *, key: str = "", delay: float = 0) -> None:
        """Ask for a task."""
        due = self._loop.now().timestamp() + delay if delay else 0
        payload = msgspec.to_builtins(task)
        letter = Letter(
            id=self._loop.new(), type=task.TYPE, payload=payload, key=key, not_before=due
        )
        self.said.append(Message.posted(task.QUEUE, letter, self._loop))

    async def settle(self, held: Held) -> None:
        """End a task."""
        self.ended.append(held.letter.id)

    async def advance(self, entry: Entry) -> None:
        """Move the cursor behind an entry."""
        self.moves.append(entry)

    async def park(self, entry: Entry, error: str, attempts: int) -> None:
        """Lay an entry aside, and move the cursor behind it."""
        self.parked.append(entry.message)
        await self.advance(entry)

    def effect(self, entry: Entry) -> None:
        """Do something that must not be done twice."""
        self.effects.append(entry)


class Base:
    """One process's way to the database: units, `Outbox`, `Keeper`, `Adoption`."""

    def __init__(self, store: Store, process: Process) -> None:
        self.store = store
        self.step = process.step
        self._awaited = store.growth.of()

    @asynccontextmanager
    async def read(self) -> AsyncIterator[Unit]:
        """Open a transaction that reads."""
        await self.step("begin")
        yield Unit(self.store.loop)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[Unit]:
        """Open a transaction that writes."""
        await self.step("begin")
        unit = Unit(self.store.loop)
        yield unit
        await self.step("commit")
        self.store.commit(unit)
        await self.step(f"committed, the end is {self.store.rows.end}")
        self.store.wake()

    async def after(self, position: int, limit: int) -> Sequence[Posted]:
        """Read the outbox behind a position."""
        self._awaited = self.store.growth.of()
        await self.step(f"after {position}")
        return self.store.rows.after(position, limit)

    async def end(self) -> int:
        """Return the last position that was given out."""
        await self.step("end")
        return self.store.rows.end

    async def wait(self, seconds: float) -> None:
        """Return when the outbox may have grown since the last look."""
        await _woken(self._awaited, seconds)

    async def trim(self, kept: timedelta, carried: int | None) -> Mapping[str, int]:
        """Forget what is old and needed by nobody."""
        await self.step("trim")
        before = self.store.loop.now() - kept
        firsts = self.store.rows.trim(before, self.store.readers, carried)
        await self.step(f"trimmed to {sorted(firsts.items())}")
        return firsts

    async def adopt(self, messages: Sequence[Message], strays: Sequence[Stray]) -> int:
        """Take in what strangers say; what can't be read is none of this."""
        await self.step("adopt")
        new = self.store.rows.adopt(messages)
        self.store.committed(new)
        await self.step(f"adopted {len(new)} and {len(strays)}")
        self.store.wake()
        return len(new)


class Redis:
    """One process's way to Redis: `Carrier`, `Feed`, `Stream`."""

    def __init__(self, store: Store, process: Process) -> None:
        self.store = store
        self.step = process.step
        self._awaited: dict[tuple[str, str], asyncio.Event] = {}

    async def reach(self, what: str) -> Server:
        """Come to it; it may be away by then."""
        await self.step(what)
        if self.store.away:
            raise Fault(Kind.UNAVAILABLE, "redis does not answer")
        return self.store.server

    async def answer(self, what: str) -> None:
        """Come back from it, or be cut off and never know."""
        await self.step(what)
        if self.store.loop.chance.random() < CUT:
            raise Fault(Kind.UNAVAILABLE, "the answer is lost")

    async def position(self) -> int:
        """Return how far it has been carried."""
        found = (await self.reach("position")).position
        await self.answer(f"position {found}")
        return found

    async def carry(self, before: int, batch: Sequence[Posted]) -> bool:
        """Take a batch and move the position, in one step."""
        taken = (await self.reach(f"carry {before}")).carry(before, batch)
        if taken:
            self.store.lay(batch)
        await self.answer(f"carried {before} {taken}")
        self.store.wake()
        return taken

    async def forget(self, before: int) -> None:
        """Throw streams and position away."""
        (await self.reach("forget")).forget(before)
        await self.answer("forgotten")

    async def pull(self, consumer: str, topic: str, limit: int = 100) -> Sequence[Entry]:
        """Read a stream behind a cursor that lies elsewhere; the two are not one moment."""
        self._awaited[consumer, topic] = self.store.growth.of()
        await self.step("standing")
        standing = Rows()
        standing.cursors = dict(self.store.rows.cursors)
        found = (await self.reach(f"pull {topic}")).pull(standing, consumer, topic, limit)
        await self.answer(f"pulled {len(found)}")
        return found

    async def wait(self, consumer: str, topic: str, seconds: float) -> None:
        """Return when the topic may have grown since the consumer's last pull."""
        await _woken(self._awaited[consumer, topic], seconds)

    async def trim(self, firsts: Mapping[str, int]) -> None:
        """Forget what the outbox has forgotten."""
        (await self.reach("xtrim")).trim(firsts)
        await self.answer("xtrimmed")


async def _woken(growth: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await growth.wait()
