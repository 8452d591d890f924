"""What every peer's script shares: the command line, the meter and the line that it prints.

It runs in the peers' own environments, so it needs nothing but Python and uvloop.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, NoReturn

import uvloop

BATCH = 32
WARM = 20
"""Tasks before the first that counts: connections, scripts and code are loaded by then."""
TIMEOUT = 30
"""Seconds that a task may take, for those who have such a limit."""
LONGEST = 300.0
"""Seconds after which a run is given up."""


class Meter:
    """Counts handled tasks; the rate is taken from the first that counts to the last."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.count = 0
        self.done = asyncio.Event()
        self._first = 0.0
        self._last = 0.0

    def hit(self) -> None:
        """Count one handled task."""
        self.count += 1
        if self.count == WARM:
            self._first = time.perf_counter()
        elif self.count == self.number + WARM:
            self._last = time.perf_counter()
            self.done.set()

    @property
    def rate(self) -> float:
        """Handled tasks per second."""
        return self.number / (self._last - self._first)

    async def finished(self, worker: "asyncio.Future[None]") -> None:
        """Wait for the last task, or raise what ended the worker before it."""
        waiting = asyncio.ensure_future(self.done.wait())
        both: set[asyncio.Future[Any]] = {waiting, worker}
        await asyncio.wait(both, timeout=LONGEST, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
        if not self.done.is_set():
            if worker.done():
                worker.result()
            raise SystemExit(f"only {self.count} of {self.number + WARM} tasks came back")


def run(main: Coroutine[Any, Any, None]) -> None:
    """Run a peer on the event loop on which `meeting` runs; all of Python's have the same."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(main)


def arguments() -> argparse.Namespace:
    """Read the command line that is the same for every peer."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url", help="of an empty Redis")
    parser.add_argument("number", type=int, help="of tasks that count")
    parser.add_argument("mode", choices=("one", "batch"), help=f"one at a time, or {BATCH}")
    parser.add_argument("variant", nargs="?", default="")
    return parser.parse_args()


def width(mode: str) -> int:
    """How many tasks go in together, and how many may be at hand."""
    return BATCH if mode == "batch" else 1


async def enqueue(number: int, mode: str, put: Callable[[int], Awaitable[object]]) -> float:
    """Have all tasks put in, `put(n)` by `put(n)`; tasks per second, the warm ones apart."""
    await put(WARM)
    begin = time.perf_counter()
    left = number
    while left:
        part = min(width(mode), left)
        await put(part)
        left -= part
    return number / (time.perf_counter() - begin)


async def together(one: Callable[[], Awaitable[object]], number: int) -> None:
    """Put tasks in at once, for a peer that has no call for several."""
    if number == 1:
        await one()
    else:
        await asyncio.gather(*(one() for _ in range(number)))


def say(enqueued: float, meter: Meter) -> NoReturn:
    """Print what was measured as one line and end at once: how a peer shuts down is not judged."""
    sys.stdout.write(json.dumps({"enqueue": enqueued, "work": meter.rate}) + "\n")
    sys.stdout.flush()
    os._exit(0)
