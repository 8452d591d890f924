"""One program that is kept running: started by exec, watched, started again when it falls."""

import asyncio
from collections.abc import Awaitable, Callable
from enum import StrEnum

import structlog

from meeting.app.supervisor.backoff import Backoff
from meeting.app.supervisor.process import Running, spawn, told
from meeting.app.supervisor.program import Program

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.5
WRONG_SETTING = 2
"""The exit code after which another start would end the same way."""

Tell = Callable[[str, bytes], None]
"""Takes a line that a child wrote, and the child's name."""


class State(StrEnum):
    """How a child stands."""

    WAITING = "waiting"
    STARTING = "starting"
    READY = "ready"
    FALLEN = "fallen"
    STOPPING = "stopping"
    STOPPED = "stopped"


class Child:
    """A program, and the process that it is just now, if it is one."""

    def __init__(
        self,
        program: Program,
        tell: Tell,
        backoff: Backoff,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.program = program
        self.state = State.WAITING
        self.restarts = 0
        self.last = ""
        """The last line that it wrote."""
        self.well = True
        """False once it had to be killed, or ended with an error when it was stopped."""
        self._over = asyncio.Event()
        """Set once it is to end for good, however it stands while that takes its time."""
        self._tell = tell
        self._backoff = backoff
        self._pause = pause
        self._process: Running | None = None
        self._task: asyncio.Task[str] | None = None

    @property
    def name(self) -> str:
        """Return the program's name."""
        return self.program.name

    @property
    def pid(self) -> int | None:
        """The process id, while there is a process."""
        return None if self._process is None else self._process.pid

    def start(self) -> asyncio.Task[str]:
        """Keep it running; the task ends with why it can't be, or empty when it was stopped."""
        self._task = asyncio.create_task(self._keep(), name=self.name)
        return self._task

    async def stop(self) -> None:
        """Ask it to end, make it end after its grace, and start it no more."""
        if self._task is None or self.state is State.STOPPED:
            return
        self._leave()
        if self._process is not None:
            await self._end(self._process)
        await asyncio.wait([self._task])
        self.state = State.STOPPED

    def kill(self) -> None:
        """End it at once, and what it has started, and start it no more."""
        if self._task is None or self.state is State.STOPPED:
            return
        self._leave()
        if self._process is not None:
            self.well = False
            self._process.kill()

    def _leave(self) -> None:
        """See to it that it is started no more."""
        self._over.set()
        self.state = State.STOPPING
        if self._task is not None and self._process is None:
            self._task.cancel()  # while it is prepared, started or waited for

    async def _keep(self) -> str:
        while not self._over.is_set():
            self.state = State.STARTING
            await self.program.prepare()
            process = await spawn(self.program)
            self._process = process
            self._backoff.began()
            log.info("child started", child=self.name, pid=process.pid, restarts=self.restarts)
            looking = asyncio.create_task(self._look())
            code = await process.follow(self._hear)
            looking.cancel()
            await asyncio.wait([looking])
            self._process = None
            if self._over.is_set():
                self._ended(code)
                break
            self.state = State.FALLEN
            if code == WRONG_SETTING:
                return self.last or f"{self.name} ended with {code}"
            seconds = self._backoff.fell()
            log.error(
                "child fell",
                child=self.name,
                ended=told(code),
                again_in_seconds=round(seconds, 2),
                last=self.last,
            )
            await self._pause(seconds)
            self.restarts += 1
        return ""

    def _ended(self, code: int) -> None:
        """Look how it took being told to end."""
        if code not in (0, -self.program.end):
            self.well = False
            log.warning("child ended badly", child=self.name, ended=told(code), last=self.last)

    def _hear(self, line: bytes) -> None:
        self.last = line.decode(errors="replace")
        self._tell(self.name, line)

    async def _look(self) -> None:
        """Ask until it is ready."""
        while not self._over.is_set():
            if await self.program.ready():
                if self._over.is_set():
                    return  # it was told to end while it was asked
                self.state = State.READY
                log.info("child ready", child=self.name)
                return
            await asyncio.sleep(LOOK_SECONDS)

    async def _end(self, process: Running) -> None:
        process.ask(self.program.end)
        try:
            async with asyncio.timeout(self.program.grace):
                await process.wait()
        except TimeoutError:
            log.warning("child killed", child=self.name, after_seconds=self.program.grace)
            self.kill()
