"""Takes tasks out of one queue and hands each to whoever handles it, several at once.

A handler ends the task in its own unit of work (`await unit.settle(work.held)`), so the task and
its effect are one commit, and a worker that was cut off and comes back changes nothing.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence

import msgspec
import structlog

from meeting.kernel.backoff import backoff
from meeting.kernel.beats import Beats
from meeting.kernel.clock import Clock
from meeting.kernel.errors import HOPELESS, Fault, Kind
from meeting.kernel.letter import Held, Over
from meeting.kernel.queue import Queue
from meeting.kernel.task import Task
from meeting.kernel.work import Handler, Work

IDLE_SECONDS = 1.0
LONGEST_PAUSE = 5.0
STORES = ("database", "redis")
log = structlog.get_logger(__name__)


def is_away(fault: Fault) -> bool:
    """Tell whether it was a store that did not answer."""
    return fault.kind is Kind.UNAVAILABLE and fault.details.get("peer") in STORES


Told = Callable[[Held, str, float], None]
"""Is told of each attempt: the letter, done, again, back, dead or over, and the seconds it took."""


class Worker:
    """One reader of one queue; run by its module as a background task.

    `concurrency` bounds the tasks at hand. Before the run is cancelled, `drain` ends it well.
    """

    def __init__(
        self,
        name: str,
        owner: str,
        *,
        queue: Queue,
        handlers: Mapping[type[Task], Handler],
        concurrency: int,
        clock: Clock,
        chance: random.Random | None = None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
        told: Told = lambda _held, _outcome, _seconds: None,
    ) -> None:
        self.name = name
        self._owner = owner
        self._queue = queue
        self._handlers = {task.TYPE: (task, handler) for task, handler in handlers.items()}
        self._concurrency = concurrency
        self._clock = clock
        self._chance = chance or random.Random()  # noqa: S311 - spreads retries, guards nothing
        self._pause = pause
        self._told = told
        self._running: dict[asyncio.Task[None], Held] = {}
        self._done: list[Held] = []
        self._changed = asyncio.Event()
        self._ebbed = asyncio.Event()
        """Something at hand has ended or was settled; `drain` alone looks at it."""
        self._beats = Beats(name, queue, self._running)
        self._away = ""
        self._well = False
        """Something was done since the last look, so the stores that it needs are there."""
        self._turning = False
        self.draining = False

    async def run(self) -> None:
        """Work until cancelled; a store that is away is waited for, ever more slowly."""
        pause = 0.1
        beats = asyncio.create_task(self._beats.run(), name=f"{self.name}.beats")
        try:
            while True:
                progressed = False
                if beats.done():
                    beats.result()  # without signs of life every hold would lapse
                try:
                    progressed = await self.step()
                    if not (progressed or self._away):
                        await self._rest()
                except Fault as fault:
                    self._away = str(fault)
                if self._away:
                    log.warning("worker waits", queue=self.name, reason=self._away)
                    self._away = ""
                    await self._pause(pause)
                    pause = min(pause * 2, LONGEST_PAUSE)
                    continue
                if self._well or not progressed:
                    pause = 0.1
                self._well = False
        finally:
            beats.cancel()
            await self._give_back()

    async def step(self) -> bool:
        """End what is done and begin what there is room for; False when there was neither."""
        done, self._done = self._done, []
        try:
            taken = await self._turn(done)
        except BaseException:
            # Nobody knows whether they have ended; those that have are not touched again.
            self._done = done + self._done
            raise
        for held in taken:
            task = asyncio.create_task(self._attempt(held), name=f"{self.name}.{held.letter.id}")
            self._running[task] = held
            task.add_done_callback(self._ended)
        if taken:
            self._beats.begun(taken)
            await asyncio.sleep(0)  # what ends at once ends together with its kind
        return bool(taken or done)

    async def _turn(self, done: Sequence[Held]) -> Sequence[Held]:
        """End tasks and take others; what comes when a drain has begun meanwhile is given back."""
        self._turning = True
        try:
            room = 0 if self.draining else self._room()
            if not room:
                if done:
                    await self._queue.settle(done)
                return []
            taken = await self._queue.take(self.name, self._owner, room, done)
            if self.draining and taken:
                await self._queue.release(taken)
                return []
            return taken
        finally:
            self._turning = False
            self._ebbed.set()

    def _room(self) -> int:
        """Return how many may begin; what has ended leaves its place before its end is noted."""
        return self._concurrency - sum(not task.done() for task in self._running)

    async def drain(self) -> None:
        """Take no new tasks and wait for those at hand."""
        self.draining = True
        self._changed.set()
        while self._running or self._done or self._turning:
            self._ebbed.clear()
            await self._ebbed.wait()

    async def _rest(self) -> None:
        """Wait for something to do: an end of a task at hand, or a new one where there is room."""
        if self.draining or not self._room():
            await self._changed.wait()
        else:
            ended = asyncio.ensure_future(self._changed.wait())
            grown = asyncio.ensure_future(self._queue.wait([self.name], IDLE_SECONDS))
            try:
                await asyncio.wait({ended, grown}, return_when=asyncio.FIRST_COMPLETED)
                if grown.done():
                    grown.result()
            finally:
                for waiting in (ended, grown):
                    waiting.cancel()
                await asyncio.gather(ended, grown, return_exceptions=True)
        self._changed.clear()

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._running[task]
        self._changed.set()
        self._ebbed.set()
        if not task.cancelled() and (error := task.exception()) is not None:
            # Only the queue's own faults come here: the hold ends by itself, the task comes again.
            self._away = str(error)

    async def _attempt(self, held: Held) -> None:
        began = self._clock.monotonic()
        try:
            await self._handle(held)
        except Over:
            outcome = "over"
        except Fault as fault:
            outcome = await self._failed(held, fault)
        except Exception as error:
            # Whatever a handler raises concerns this task alone; the queue must go on.
            log.exception("handler failed", queue=self.name, type=held.letter.type)
            text = f"{type(error).__name__}: {error}"
            outcome = await self._failed(held, Fault(Kind.INTERNAL, "{error}", error=text))
        else:
            outcome = "done"
        if outcome in ("done", "over"):
            self._well = True
            self._done.append(held)
        self._told(held, outcome, self._clock.monotonic() - began)

    async def _handle(self, held: Held) -> None:
        letter = held.letter
        if letter.type not in self._handlers:
            raise Fault(Kind.VALIDATION, "nobody here handles {type}", type=letter.type)
        task_type, handler = self._handlers[letter.type]
        try:
            task = task_type.read(letter)
        except msgspec.ValidationError as error:
            raise Fault(Kind.VALIDATION, "its payload fails the rules: {why}", why=error) from error
        try:
            async with asyncio.timeout(letter.timeout) as limit:
                await handler(task, Work(held, self._queue, limit))
        except TimeoutError as error:
            silence = f"{letter.timeout:g} s"
            raise Fault(Kind.DEADLINE, "no sign of life for {time}", time=silence) from error

    async def _failed(self, held: Held, fault: Fault) -> str:
        """Do what an attempt's error asks for: nothing, another attempt, or none."""
        letter, said = held.letter, str(fault)
        if is_away(fault):
            # No fault of the task: it is given back as it was, and nothing taken for a while.
            self._away = said
            await self._queue.release([held])
            return "back"
        retry = letter.retry_count + 1
        if fault.kind in HOPELESS or retry > letter.max_retries:
            log.error("task is dead", queue=self.name, type=letter.type, error=said)
            await self._queue.fail(held, said, None)
            return "dead"
        log.info("task failed", queue=self.name, type=letter.type, retry=retry, error=said)
        await self._queue.fail(held, said, backoff(retry, self._chance))
        return "again"

    async def _give_back(self) -> None:
        """Settle what is done and give back what is not, as far as the store lets us."""
        left: Sequence[Held] = list(self._running.values())
        for task in list(self._running):
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        done, self._done = self._done, []
        ended = {(each.letter.id, each.fence) for each in done}
        try:
            await self._queue.settle(done)
            await self._queue.release([h for h in left if (h.letter.id, h.fence) not in ended])
        except Fault as fault:
            log.warning("holds are left to end by themselves", reason=str(fault))
