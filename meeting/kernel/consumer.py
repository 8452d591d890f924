"""Reads one topic of the log in order and hands each event to whoever handles it.

The handler moves the cursor in its own unit of work (`unit.advance(entry)`), so an event and
its effect are one commit. An event whose handler keeps failing is parked, visibly, and the
topic goes on.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import msgspec
import structlog

from meeting.kernel.errors import HOPELESS, Fault, Kind
from meeting.kernel.message import Entry, Event
from meeting.kernel.ports import Feed, Unit, Units

ATTEMPTS = 5
IDLE_SECONDS = 2.0
"""How long a lost wake-up may go unnoticed; well below the 5 s in which a logout closes sockets."""
LONGEST_PAUSE = 10.0

Handler = Callable[[Any, Entry], Awaitable[None]]
"""Takes the decoded event and its entry; calls `unit.advance(entry)` in its own unit of work."""

log = structlog.get_logger(__name__)


class Consumer:
    """One reader of one topic for one domain; run by its module as a background task."""

    def __init__(
        self,
        name: str,
        topic: str,
        *,
        feed: Feed,
        units: Units[Unit],
        handlers: Mapping[type[Event], Handler],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.name = name
        self.topic = topic
        self._feed = feed
        self._units = units
        self._handlers = {event.TYPE: (event, handler) for event, handler in handlers.items()}
        self._pause = pause
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
            except Fault as fault:
                # A lost race for the cursor, or a store that is down: look again, ever more slowly.
                log.warning("consumer waits", consumer=self.name, topic=self.topic, kind=fault.kind)
                await self._pause(pause)
                pause = min(pause * 2, LONGEST_PAUSE)

    async def step(self) -> bool:
        """Consume what is there now; False when there was nothing."""
        entries = await self._feed.pull(self.name, self.topic)
        skipped: list[Entry] = []
        for entry in entries:
            if entry.message.type not in self._handlers:
                skipped.append(entry)
                continue
            await self._skip(skipped)
            skipped = []
            if not await self._handle(entry):
                return True
        await self._skip(skipped)
        return bool(entries)

    async def _skip(self, entries: Sequence[Entry]) -> None:
        """Move the cursor over a run of events that nobody here handles, in one commit."""
        if entries:
            async with self._units.write() as unit:
                await unit.advance(msgspec.structs.replace(entries[-1], before=entries[0].before))

    async def _handle(self, entry: Entry) -> bool:
        event_type, handler = self._handlers[entry.message.type]
        try:
            event = event_type.read(entry.message)
        except msgspec.ValidationError as error:
            await self._park(entry, str(error), 1)
            return True
        try:
            await handler(event, entry)
        except msgspec.ValidationError as error:  # of a field that the handler looks into
            await self._park(entry, str(error), 1)
            return True
        except Fault as fault:
            if fault.kind in (Kind.UNAVAILABLE, Kind.DEADLINE):
                raise
            if fault.kind in HOPELESS:
                # Nor would the next attempt go better, and those behind it wait.
                await self._park(entry, f"Fault: {fault}", 1)
                return True
            return await self._failed(entry, fault)
        except Exception as error:
            # Whatever a handler raises concerns this event alone; the topic must go on.
            log.exception("handler failed", consumer=self.name, type=entry.message.type)
            return await self._failed(entry, error)
        return True

    async def _failed(self, entry: Entry, error: Exception) -> bool:
        if entry.after != self._failing:
            self._failing, self._failures = entry.after, 0
        self._failures += 1
        if self._failures < ATTEMPTS:
            await self._pause(min(0.05 * 4**self._failures, LONGEST_PAUSE))
            return False
        await self._park(entry, f"{type(error).__name__}: {error}", self._failures)
        return True

    async def _park(self, entry: Entry, error: str, attempts: int) -> None:
        log.error(
            "event parked",
            consumer=self.name,
            type=entry.message.type,
            message_id=entry.message.message_id,
            attempts=attempts,
        )
        async with self._units.write() as unit:
            await unit.park(entry, error, attempts)
