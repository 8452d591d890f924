"""The unit of work on SQL: a domain's rows and its outbox lines in one commit."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

import msgspec
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncConnection

from meeting.kernel.clock import Clock
from meeting.kernel.failpoint import failpoint
from meeting.kernel.ids import Ids
from meeting.kernel.letter import Held, Letter
from meeting.kernel.message import Entry, Event, Message, Raced
from meeting.kernel.task import Task
from meeting.stores.relational import parked, tasks
from meeting.stores.relational.database import Database
from meeting.stores.relational.outbox import cursors, extend
from meeting.stores.relational.upsert import upsert

U = TypeVar("U", bound="SqlUnit")


class SqlUnit:
    """One transaction. A domain's unit adds its own rows to it."""

    SOURCE: str
    """The domain whose rows these are; its messages name it."""

    def __init__(self, connection: AsyncConnection, clock: Clock, ids: Ids) -> None:
        self.connection = connection
        self.clock = clock
        self.ids = ids
        self.messages: list[Message] = []
        self.letters: list[tuple[str, Letter]] = []
        self.relayed = False
        """The queues are elsewhere: tasks go into the outbox, and a relay carries them there."""

    def append(self, event: Event) -> None:
        """Announce an event with this commit."""
        self.messages.append(Message.of(event, self.SOURCE, self.clock, self.ids))

    def enqueue(self, task: Task, *, key: str = "", delay: float = 0) -> None:
        """Ask for a task with this commit, in `delay` seconds at the earliest."""
        now = self.clock.now().timestamp()
        letter = Letter(
            id=self.ids.new(),
            type=task.TYPE,
            payload=msgspec.to_builtins(task, str_keys=True),
            priority=int(task.LANE),
            timestamp=int(now),
            source=self.SOURCE,
            destination=task.QUEUE.removesuffix("_tasks"),
            key=key,
            not_before=now + delay if delay else 0,
        )
        self.letters.append((task.QUEUE, letter))

    async def settle(self, held: Held) -> None:
        """End a task with this commit; `Over` where it has had its effect or is held by another."""
        await tasks.settle(self.connection, held, self.clock)

    async def advance(self, entry: Entry) -> None:
        """Move the consumer's cursor behind an entry, unless it stands elsewhere than thought."""
        if entry.parked:
            if not await parked.handled(self.connection, entry):
                raise Raced
            return
        before, after = int(entry.before), int(entry.after)
        if before == 0:
            moved = await self.connection.execute(
                upsert(
                    self.connection,
                    cursors,
                    {"consumer": entry.consumer, "topic": entry.topic, "position": after},
                    keys=["consumer", "topic"],
                    replace=False,
                )
            )
        else:
            moved = await self.connection.execute(
                update(cursors)
                .where(
                    cursors.c.consumer == entry.consumer,
                    cursors.c.topic == entry.topic,
                    cursors.c.position == before,
                )
                .values(position=after)
            )
        if moved.rowcount != 1:
            raise Raced

    async def park(self, entry: Entry, error: str, attempts: int) -> None:
        """Lay an entry aside whose handler keeps failing, and move the cursor behind it."""
        if entry.parked:
            if not await parked.failed(self.connection, entry, error, attempts):
                raise Raced
            return
        now = self.clock.now()
        who, what = entry.consumer, [entry.message]
        await parked.lay(self.connection, who, what, [error], attempts, now)
        await self.advance(entry)

    async def flush(self) -> None:
        """Write what is announced and asked for; the last thing before the commit."""
        for name, letter in self.letters:
            if self.relayed:
                self.messages.append(Message.posted(name, letter, self.clock))
            else:
                await tasks.place(self.connection, name, [letter], self.clock, self.ids)
        if self.messages:
            await extend(self.connection, self.messages)


class SqlUnits(Generic[U]):
    """Opens units of one domain on a database."""

    def __init__(
        self,
        database: Database,
        unit: Callable[[AsyncConnection, Clock, Ids], U],
        clock: Clock,
        ids: Ids,
        *,
        relayed: bool = False,
    ) -> None:
        self._database = database
        self._relayed = relayed
        self._unit = unit
        self._clock = clock
        self._ids = ids

    @asynccontextmanager
    async def read(self) -> AsyncIterator[U]:
        """Open a unit that sees one snapshot and writes nothing."""
        async with self._database.read() as connection:
            yield self._unit(connection, self._clock, self._ids)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[U]:
        """Open a unit that commits with its outbox, then wakes the readers of its topics."""
        async with self._database.write() as connection:
            unit = self._unit(connection, self._clock, self._ids)
            unit.relayed = self._relayed
            yield unit
            grown = {message.topic for message in unit.messages}
            grown |= {name if self._relayed else tasks.topic(name) for name, _ in unit.letters}
            if grown:
                # Before the outbox's turn is taken, so that nobody waits for it longer.
                await self._database.announce(connection, grown)
            await unit.flush()
        if grown:
            failpoint("before-wakeup")
            self._database.grew(grown)


class Rows:
    """Opens the units of every domain of one house."""

    def __init__(self, database: Database, clock: Clock, ids: Ids, *, relayed: bool) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self._relayed = relayed

    def units(self, unit: Callable[[AsyncConnection, Clock, Ids], U]) -> SqlUnits[U]:
        """Return what opens the units of one domain."""
        return SqlUnits(self._database, unit, self._clock, self._ids, relayed=self._relayed)
