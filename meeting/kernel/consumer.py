"""Reads one topic of the log in order and hands each event to whoever handles it.

The cursor moves in the unit of work that the handlers write in, so events and their effect are one
commit, and an event takes effect once. Several share a commit as long as all goes well; after any
trouble they come one at a time. An event that keeps failing is parked, visibly, and the topic goes
on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
import structlog

from meeting.kernel.errors import HOPELESS, Fault, Kind
from meeting.kernel.message import Entry, Event, Raced
from meeting.kernel.ports import Feed, Unit, Units

ATTEMPTS = 5
IDLE_SECONDS = 2.0
"""How long a lost wake-up may go unnoticed; well below the 5 s in which a logout closes sockets."""
LONGEST_PAUSE = 3.0
"""Shorter than a reader's lease, or each process in turn would try what keeps failing."""
TOGETHER = 32
"""Events in one commit at most: other writers wait for its end."""

Handler = Callable[[Any, Any, Entry], Awaitable[None]]
"""Takes the unit in which the cursor moves, the decoded event and its entry; writes there, once."""
Effect = Callable[[Any, Entry], Awaitable[None]]
"""Takes the decoded event and its entry, before their commit and perhaps more than once."""

log = structlog.get_logger(__name__)


class Consumer:
    """One reader of one topic for one domain; run by its module as a background task.

    What lies outside of the rows, such as documents and sockets, is changed by `effects`: they come
    before the commit, and again where that fails. `after` is given the unit that was committed.
    `together` is 1 where events lock rows of which others lock several, or where an effect that is
    repeated can be seen.
    """

    def __init__(
        self,
        name: str,
        topic: str,
        *,
        feed: Feed,
        units: Units[Unit],
        handlers: Mapping[type[Event], Handler] | None = None,
        effects: Mapping[type[Event], Effect] | None = None,
        after: Callable[[Any], None] = lambda _unit: None,
        together: int = TOGETHER,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name = name
        self.topic = topic
        self._feed = feed
        self._units = units
        self._handlers = handlers or {}
        self._effects = effects or {}
        self._events = {each.TYPE: each for each in (*self._handlers, *self._effects)}
        self._after = after
        self._pause = pause
        self._most = together
        self._together = together
        self._failures = 0
        self._failing = ""
        """Where the entry ends whose failures these are: a lost race is none of the next one."""

    async def run(self) -> None:
        """Consume until cancelled; a store that is away is waited for, never given up."""
        pause = 0.1
        while True:
            try:
                progressed = await self.step()
                pause = 0.1
                if not progressed:
                    await self._feed.wait(self.name, self.topic, IDLE_SECONDS)
            except (Fault, Raced) as error:
                # A store that is down, or a lost race: look again, ever more slowly.
                why = error.kind if isinstance(error, Fault) else "another reader was faster"
                log.warning("consumer waits", consumer=self.name, topic=self.topic, reason=why)
                await self._pause(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def step(self) -> bool:
        """Consume what is there now; False when there was nothing."""
        entries = await self._feed.pull(self.name, self.topic)
        done = 0
        while done < len(entries):
            batch = entries[done : done + self._together]
            if not await self._take(batch):
                break
            done += len(batch)
        return bool(entries)

    async def _take(self, batch: Sequence[Entry]) -> bool:
        """Consume entries together; False where that failed and is to be tried again."""
        first = batch[0]
        if first.parked and first.message.type not in self._events:
            return await self._park(first, "nobody here handles it any more", 1)
        size, self._together = self._together, 1
        try:
            unit = await self._commit(batch)
        except Raced:
            raise
        except Exception as error:
            # Whatever a handler raises concerns its event alone; the topic must go on.
            if isinstance(error, Fault) and error.kind in (Kind.UNAVAILABLE, Kind.DEADLINE):
                raise
            # Which of several it was shows when they come one at a time.
            return len(batch) == 1 and await self._failed(batch[0], error)
        self._together = min(2 * size, self._most)
        self._after(unit)
        return True

    async def _commit(self, batch: Sequence[Entry]) -> Unit:
        read = [
            (self._events[entry.message.type].read(entry.message), entry)
            for entry in batch
            if entry.message.type in self._events
        ]
        for event, entry in read:
            if effect := self._effects.get(type(event)):
                await effect(event, entry)
        async with self._units.write() as unit:
            # First of all: who has lost the race need not go on, and who may lose it waits here.
            await unit.advance(msgspec.structs.replace(batch[-1], before=batch[0].before))
            for event, entry in read:
                if handler := self._handlers.get(type(event)):
                    await handler(unit, event, entry)
        return unit

    async def _failed(self, entry: Entry, error: Exception) -> bool:
        """Try an entry again later, or park it where no other try would go better."""
        if isinstance(error, msgspec.ValidationError):
            return await self._park(entry, str(error), 1)
        if isinstance(error, Fault) and error.kind in HOPELESS:
            return await self._park(entry, f"Fault: {error}", 1)
        if entry.after != self._failing:
            self._failing, self._failures = entry.after, 0
        self._failures += 1
        said = f"{type(error).__name__}: {error}"
        if entry.parked:  # it has had its tries; those behind it need not wait for more
            return await self._park(entry, said, 1)
        log.warning("handler failed", consumer=self.name, type=entry.message.type, exc_info=error)
        if self._failures >= ATTEMPTS:  # more where the store was away when it was to be parked
            return await self._park(entry, said, self._failures)
        await self._pause(min(0.05 * 4**self._failures, LONGEST_PAUSE))
        return False

    async def _park(self, entry: Entry, error: str, attempts: int) -> bool:
        log.error(
            "event parked",
            consumer=self.name,
            type=entry.message.type,
            message_id=entry.message.message_id,
            attempts=attempts,
        )
        async with self._units.write() as unit:
            await unit.park(entry, error, attempts)
        return True
