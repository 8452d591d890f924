"""`meeting serve --split` from start to end: servers, tables, parts; wait; stop in reverse."""

import asyncio
import signal
from collections.abc import Iterable, Sequence
from typing import Any, Protocol

import msgspec
import structlog

from meeting.app.config import Config, Wrong
from meeting.app.state import State
from meeting.app.supervisor.account import Unable, servant
from meeting.app.supervisor.backoff import Backoff
from meeting.app.supervisor.child import Child
from meeting.app.supervisor.crew import Crew
from meeting.app.supervisor.parts import MEETING, handed, programs
from meeting.app.supervisor.ports import kept
from meeting.app.supervisor.postgres import Postgres
from meeting.app.supervisor.process import spawn, told
from meeting.app.supervisor.program import Program
from meeting.app.supervisor.redis import Redis
from meeting.kernel.clock import SystemClock
from meeting.transports.listening import BindError

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
        try:
            self._ports = kept(config)
        except BindError:
            self._state.release()
            raise

    @property
    def parts(self) -> list[str]:
        """Return the names of all children, in the order of their start."""
        return [each.name for each in (*self._servers, *programs(self._config))]

    async def start(self) -> None:
        """Start what the parts need and then the parts; returns when all are ready."""
        starting = asyncio.create_task(self._start())
        watching = asyncio.create_task(self._crew.watch())
        both = {starting, watching}
        try:
            done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await drop(*both)
        for task in done:
            task.result()

    async def watch(self) -> None:
        """Wait until a child can't be kept; raises why."""
        await self._crew.watch()

    async def _start(self) -> None:
        if self._servers:
            await self._crew.start(self._children(self._servers))
            await self._migrate()
        await self._crew.start(self._children(programs(self._config)))
        self._watcher.leave()

    async def stop(self) -> bool:
        """Stop all in reverse; True: all ended as asked."""
        try:
            return await self._crew.stop()
        finally:
            self._ports.close()
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
        try:
            code = await process.follow(lambda line: self._watcher.tell(migrate.name, line))
        except asyncio.CancelledError:
            process.kill()  # a cut-off change of tables is none: each is one transaction
            await process.wait()
            raise
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
    life = asyncio.create_task(_live(split))
    waited = asyncio.create_task(stop.wait())
    await asyncio.wait({life, waited}, return_when=asyncio.FIRST_COMPLETED)
    log.info("stopping", well=not life.done())
    await drop(waited, *(() if life.done() else (life,)))
    hurried = asyncio.create_task(_hurry(hurry, split))
    well = await split.stop()
    await drop(hurried)
    if not life.cancelled():
        life.result()  # why it ended by itself
    return 0 if well else 1


async def _live(split: Split) -> None:
    begun = asyncio.get_running_loop().time()
    await split.start()
    seconds = round(asyncio.get_running_loop().time() - begun, 2)
    log.info("started", parts=split.parts, seconds=seconds)
    await split.watch()


async def _hurry(hurry: asyncio.Event, split: Split) -> None:
    await hurry.wait()
    log.warning("asked twice: everything is ended at once")
    split.kill()


async def drop(*tasks: asyncio.Task[Any]) -> None:
    """Cancel tasks, and return when they have ended."""
    for task in tasks:
        task.cancel()
    await asyncio.wait(tasks)
