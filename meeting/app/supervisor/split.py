"""`meeting serve --split` from start to end: servers, tables, parts; wait; stop in reverse."""

import asyncio
import signal
from collections.abc import Iterable, Sequence
from typing import Protocol

import msgspec
import structlog

from meeting.app.config import Config, Wrong
from meeting.app.state import State
from meeting.app.supervisor.account import Unable, servant
from meeting.app.supervisor.backoff import Backoff
from meeting.app.supervisor.child import Child, follow, spawn, told
from meeting.app.supervisor.crew import Crew
from meeting.app.supervisor.parts import MEETING, handed, programs
from meeting.app.supervisor.postgres import Postgres
from meeting.app.supervisor.program import Program
from meeting.app.supervisor.redis import Redis
from meeting.kernel.clock import SystemClock

log = structlog.get_logger(__name__)

NAME = "split"


class Watcher(Protocol):
    """Who is told what happens."""

    def tell(self, part: str, line: bytes) -> None:
        """Take a line that a child wrote."""
        ...

    def show(self, children: Sequence[Child]) -> None:
        """Take how the children stand while they start."""
        ...

    def leave(self) -> None:
        """Learn that all have started."""
        ...


class Split:
    """A house in processes of its own on this machine."""

    def __init__(self, config: Config, watcher: Watcher) -> None:
        check(config)
        self._state = State(config.state, parts=[NAME])
        self._watcher = watcher
        self._crew = Crew(watcher.show)
        self._servers: list[Program] = []
        self._config = config
        if not config.postgres.dsn.reveal():
            self._serve_ourselves()

    async def start(self) -> None:
        """Start what the parts need and then the parts; returns when all are ready."""
        if self._servers:
            await self._crew.start(self._children(self._servers))
            await self._migrate()
        await self._crew.start(self._children(programs(self._config)))
        self._watcher.leave()

    async def watch(self) -> None:
        """Wait until a child can't be kept; raises why."""
        await self._crew.watch()

    async def stop(self) -> bool:
        """Stop all in reverse; True: all ended as asked."""
        try:
            return await self._crew.stop()
        finally:
            self._state.release()

    def kill(self) -> None:
        """End all at once."""
        self._crew.kill()

    def _serve_ourselves(self) -> None:
        """Have PostgreSQL and Redis of our own."""
        folder = self._config.state
        postgres = Postgres(folder, self._state.secret("postgres"), servant())
        redis = Redis(folder, self._state.secret("redis"))
        replace = msgspec.structs.replace
        self._config = replace(
            self._config,
            postgres=replace(self._config.postgres, dsn=postgres.dsn),
            redis=replace(self._config.redis, url=redis.url),
        )
        self._servers = [postgres.program(), redis.program()]

    def _children(self, made: Iterable[Program]) -> list[Child]:
        clock = SystemClock()
        return [Child(each, self._watcher.tell, Backoff(clock)) for each in made]

    async def _migrate(self) -> None:
        """Bring the tables of our own PostgreSQL up to date."""
        migrate = Program(
            name="migrate",
            command=[*MEETING, "migrate"],
            environment=handed(self._config),
        )
        process = await spawn(migrate)
        code = await follow(process, lambda line: self._watcher.tell(migrate.name, line))
        if code:
            raise Unable(f"the tables could not be brought up to date: migrate, {told(code)}")


def check(config: Config) -> None:
    """Refuse settings that say two things at once."""
    if config.only:
        raise Wrong("only: found parts beside --split, which runs all; allowed: one of the two")
    if config.debug:
        raise Wrong("debug: found true beside --split; allowed: one process, without --split")
    if config.postgres.dsn.reveal() and not config.redis.url.reveal():
        raise Wrong(
            "postgres.dsn: it is set and redis.url is not; allowed with --split: both, or neither,"
            " and both are started on this machine"
        )


async def run(split: Split) -> int:
    """Run it until SIGTERM or SIGINT, of which a second ends all at once; the exit code."""
    stop, hurry = asyncio.Event(), asyncio.Event()

    def asked() -> None:
        (hurry if stop.is_set() else stop).set()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, asked)
    try:
        await _until(stop, split)
    finally:
        log.info("stopping", well=stop.is_set())
        hurried = asyncio.create_task(_hurry(hurry, split))
        well = await split.stop()
        hurried.cancel()
    return 0 if well else 1


async def _until(stop: asyncio.Event, split: Split) -> None:
    """Start and watch until somebody asks to stop; raises what is in the way."""
    waited = asyncio.create_task(stop.wait())
    work: list[asyncio.Task[None]] = [
        asyncio.create_task(split.start()),
        asyncio.create_task(split.watch()),
    ]
    begun = asyncio.get_running_loop().time()
    try:
        while not waited.done():
            done, _ = await asyncio.wait({waited, *work}, return_when=asyncio.FIRST_COMPLETED)
            for task in [each for each in work if each in done]:
                task.result()
                work.remove(task)
                seconds = round(asyncio.get_running_loop().time() - begun, 2)
                log.info("started", seconds=seconds)
    finally:
        for each in (waited, *work):
            each.cancel()
        await asyncio.gather(waited, *work, return_exceptions=True)


async def _hurry(hurry: asyncio.Event, split: Split) -> None:
    await hurry.wait()
    log.warning("asked twice: everything is ended at once")
    split.kill()
