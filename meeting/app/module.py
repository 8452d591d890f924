"""A part of the house with a life: New, Starting, Running, Stopping, and Terminated or Failed."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from enum import StrEnum
from typing import Any

import structlog

log = structlog.get_logger(__name__)


class State(StrEnum):
    """Where a module stands in its life."""

    NEW = "new"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    TERMINATED = "terminated"
    FAILED = "failed"


async def _nothing() -> None:
    """Serve as the hook of a module that has nothing to do there."""


def _complete() -> str:
    """Answer for a module that never lacks anything."""
    return ""


class Module:
    """A named part: what starts it, what it runs in the background, what stops it.

    `prepare` is a start that may take minutes (models are fetched); the house starts around it and
    is ready when it is done. `lacks` tells what it needs and has not got just now, such as an
    engine that answers: the module counts as starting until that is there again. A background task
    that ends or raises fails the module, and a failed module stops the process: work never goes on
    half-served without anybody knowing. `refusals` are errors whose text tells a person all, so
    that they are logged without a traceback.
    """

    def __init__(
        self,
        name: str,
        *,
        start: Callable[[], Awaitable[None]] = _nothing,
        prepare: Callable[[], Coroutine[Any, Any, None]] | None = None,
        lacks: Callable[[], str] = _complete,
        background: Sequence[Callable[[], Coroutine[Any, Any, None]]] = (),
        drain: Callable[[], Awaitable[None]] = _nothing,
        stop: Callable[[], Awaitable[None]] = _nothing,
        refusals: tuple[type[Exception], ...] = (),
    ) -> None:
        self.name = name
        self.state = State.NEW
        self.reason = ""
        self.failed = asyncio.Event()
        self._start = start
        self._prepare = prepare
        self._lacks = lacks
        self._background = background
        self._drain = drain
        self._stop = stop
        self._refusals = refusals
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def standing(self) -> tuple[State, str]:
        """Tell how it stands now, and why."""
        if self.state not in (State.STARTING, State.RUNNING):
            return self.state, self.reason
        lack = self._lacks()
        return (State.STARTING if lack else self.state), lack

    async def start(self) -> None:
        """Start it and its background work; raises what went wrong."""
        self.state = State.STARTING
        try:
            await self._start()
        except BaseException as error:
            self._fail(error, told=True)
            raise
        if self._prepare is not None:
            task = asyncio.create_task(self._prepare(), name=f"{self.name}.prepare")
            task.add_done_callback(self._prepared)
            self._tasks.append(task)
        else:
            self.state = State.RUNNING
        for work in self._background:
            task = asyncio.create_task(work(), name=self.name)
            task.add_done_callback(self._ended)
            self._tasks.append(task)

    async def drain(self) -> None:
        """Take no new work; what runs may end."""
        if self.state in (State.STARTING, State.RUNNING):
            self.state = State.STOPPING
            await self._drain()

    async def stop(self) -> None:
        """End the background work, then give everything back."""
        was_failed = self.state is State.FAILED
        self.state = State.STOPPING
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._stop()
        self.state = State.FAILED if was_failed else State.TERMINATED

    def _prepared(self, task: asyncio.Task[None]) -> None:
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self._fail(error, told=isinstance(error, self._refusals))
        elif self.state is State.STARTING:
            self.state = State.RUNNING
            log.info("module ready", module=self.name)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and self.state is not State.STOPPING:
            error = task.exception() or RuntimeError("its background work ended by itself")
            self._fail(error, told=isinstance(error, self._refusals))

    def _fail(self, error: BaseException, *, told: bool = False) -> None:
        """Note the failure; with its traceback, unless whoever started the module is told."""
        self.state = State.FAILED
        self.reason = f"{type(error).__name__}: {error}"
        self.failed.set()
        log.error(
            "module failed", module=self.name, reason=self.reason, exc_info=None if told else error
        )
