"""An event loop whose time is virtual and whose order is chance, from a seed.

It has no sockets, no threads and no clock but its own: when nobody is ready, time jumps to the next
timer. Which of those that are ready goes on first is drawn, so each seed is another schedule, and
the same seed the same schedule, in every process. What happens is noted in `trace`.
"""

import asyncio
import itertools
import os
import random
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from contextvars import Context
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

T = TypeVar("T")
Scene = Callable[["Loop"], Coroutine[Any, Any, T]]

BEGIN = datetime(2026, 11, 24, 12, tzinfo=UTC)
LONGEST = 24 * 3600.0
"""Virtual seconds after which a scene that does not end has failed."""
SEED = "SIMULATION_SEED"
"""Names the one seed that is run in place of all, to look at one that failed."""


class Stalled(AssertionError):
    """The scene waits for what can't come, or goes on for ever."""


class _Chance(deque[asyncio.Handle]):
    """Those that are ready to go on; who is next is drawn."""

    def __init__(self, chance: random.Random) -> None:
        super().__init__()
        self._chance = chance

    def popleft(self) -> asyncio.Handle:
        """Return one of them, whichever."""
        if len(self) > 1:
            self.rotate(self._chance.randrange(len(self)))
        return super().popleft()


class _Future(asyncio.Future[Any]):
    """A future whose place in a set is the same in every run."""

    def __init__(self, number: int, loop: "Loop") -> None:
        super().__init__(loop=loop)
        self._number = number

    def __hash__(self) -> int:
        return self._number


class _Task(asyncio.Task[Any]):
    """A task whose place in a set is the same in every run."""

    _number = 0

    def __hash__(self) -> int:
        return self._number


class Loop(asyncio.BaseEventLoop):
    """One run of one seed. `run` it once; it is its own clock."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.seed = seed
        self.chance = random.Random(seed)  # noqa: S311 - it is to be guessed
        self.trace: list[str] = []
        self.complaints: list[BaseException] = []
        """What tasks died of and nobody looked at."""
        self.tasks: list[asyncio.Task[Any]] = []
        self.born: Callable[[asyncio.Task[Any]], None] = lambda _task: None
        """Is told of each new task."""
        self._seconds = 0.0
        self._numbers = itertools.count(1)
        self._ready = _Chance(self.chance)
        self._selector = self
        self.set_task_factory(self._task)
        self.set_exception_handler(self._complain)

    def time(self) -> float:
        """Return virtual seconds since the beginning."""
        return self._seconds

    def now(self) -> datetime:
        """Return the virtual time of day; with `monotonic` this satisfies `Clock`."""
        return BEGIN + timedelta(seconds=self._seconds)

    def monotonic(self) -> float:
        """Return virtual seconds."""
        return self._seconds

    def new(self, prefix: str = "") -> str:
        """Return the next id; this satisfies `Ids`."""
        return f"{prefix}{next(self._numbers):032x}"

    def note(self, text: str) -> None:
        """Write down what happens, for whoever compares two runs or looks at one that failed."""
        self.trace.append(f"{self._seconds:.6f} {text}")

    def run(self, scene: Scene[T]) -> T:
        """Play a scene to its end; whoever else still runs then is cancelled."""
        main = self.create_task(self._within(scene(self)))
        try:
            return self.run_until_complete(main)
        finally:
            left = [task for task in self.tasks if not task.done()]
            for task in left:
                task.cancel()
            self.run_until_complete(asyncio.wait_for(_ended(left), LONGEST))
            self.close()

    async def _within(self, scene: Awaitable[T]) -> T:
        limit = asyncio.timeout(LONGEST)
        try:
            async with limit:
                return await scene
        except TimeoutError:
            if limit.expired():
                raise Stalled(f"seed {self.seed}: not at its end after a day") from None
            raise

    def _task(
        self, _loop: object, coroutine: Any, *, context: Context | None = None
    ) -> "asyncio.Task[Any]":
        task = _Task(coroutine, loop=self, context=context)
        task._number = next(self._numbers)
        self.tasks = [each for each in self.tasks if not each.done()] + [task]
        self.born(task)
        return task

    def create_future(self) -> asyncio.Future[Any]:
        """Make a future of this loop."""
        return _Future(next(self._numbers), self)

    def _complain(self, _loop: object, context: dict[str, Any]) -> None:
        error = context.get("exception") or RuntimeError(context.get("message"))
        self.complaints.append(error)

    # What BaseEventLoop asks of a loop with sockets.

    def select(self, timeout: float | None) -> list[Any]:
        """Let the time pass that nobody needs."""
        assert timeout is not None, "a scene has its limit, so something is always due"
        self._seconds += timeout
        return []

    def _process_events(self, event_list: list[Any]) -> None:
        pass

    def _write_to_self(self) -> None:
        pass


async def _ended(tasks: Iterable[asyncio.Task[Any]]) -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


def explore(scene: Scene[Any], seeds: Iterable[int]) -> int:
    """Play a scene once with each seed; how often. The first that fails is named.

    With `SIMULATION_SEED=7` in the environment it is that one alone, exactly as it failed.
    """
    if SEED in os.environ:
        seeds = [int(os.environ[SEED])]
    played = 0
    for seed in seeds:
        loop = Loop(seed)
        try:
            loop.run(scene)
        except BaseException as error:
            last = "\n".join(loop.trace[-30:])
            raise AssertionError(
                f"seed {seed} failed ({error!r}); again with {SEED}={seed}. Its last steps:\n{last}"
            ) from error
        played += 1
    return played
