"""A process that may die or stand still at every step of its dealings with a store.

What belongs to it is started by `start`; every method of a twin of a store says `await
process.step(…)` before and after its effect. A process that died does nothing to a store any more:
its tasks are cancelled, and what their `finally` blocks still try ends at the next step.
"""

import asyncio
from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any

from tests.simulation.loop import Loop

_current: ContextVar["Process | None"] = ContextVar("process", default=None)


class Crash(BaseException):
    """The process is dead; no `except Exception` catches it."""


class Process:
    """What dies together. Chances are a step's, the longest standstill in virtual seconds."""

    def __init__(
        self,
        loop: Loop,
        name: str,
        *,
        crash: float = 0,
        freeze: float = 0,
        longest: float = 0,
        slow: float = 0.01,
    ) -> None:
        self.loop = loop
        self.name = name
        self.dead = False
        self.thaws = 0.0
        self._crash = crash
        self._freeze = freeze
        self._longest = longest
        self._slow = slow
        self._tasks: list[asyncio.Task[Any]] = []
        loop.born = _join

    def start(self, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Run something in this process; what it starts belongs to it, too."""
        token = _current.set(self)
        try:
            return self.loop.create_task(work)
        finally:
            _current.reset(token)

    def kill(self) -> None:
        """End it, in the middle of whatever it does."""
        if self.dead:
            return
        self.dead = True
        self.loop.note(f"{self.name} dies")
        for task in self._tasks:
            task.cancel()

    async def over(self) -> None:
        """Wait until nothing of it runs any more."""
        while left := [task for task in self._tasks if not task.done()]:
            await asyncio.wait(left)

    async def step(self, what: str) -> None:
        """Pass a point where time goes by, and where it may stand still or die."""
        chance = self.loop.chance
        drawn = chance.random()
        if drawn < self._crash:
            self.loop.note(f"{self.name} {what}: crash")
            self.kill()
        elif drawn < self._crash + self._freeze and self.loop.time() >= self.thaws:
            self.thaws = self.loop.time() + chance.uniform(0, self._longest)
            self.loop.note(f"{self.name} {what}: stands still until {self.thaws:.6f}")
        if self.dead:
            raise Crash
        await asyncio.sleep(chance.choice((0, 0, chance.uniform(0, self._slow))))
        while (still := self.thaws - self.loop.time()) > 0:
            await asyncio.sleep(still)
        if self.dead:
            raise Crash
        self.loop.note(f"{self.name} {what}")


def _join(task: asyncio.Task[Any]) -> None:
    """Reckon a new task to the process that started it; one born in a dead one dies, too."""
    process = _current.get()
    if process is not None:
        process._tasks.append(task)
        if process.dead:
            task.cancel()
