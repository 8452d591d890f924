"""The engine as a child process: started by exec, watched, started again when it dies.

It stays on the endpoint that it first got, so that clients find it again by themselves. Whether it
lives is not told here: who asks it finds out, wherever it runs.
"""

import asyncio
import shutil
import signal
from asyncio import StreamReader
from asyncio.subprocess import DEVNULL, PIPE, Process
from contextlib import suppress
from pathlib import Path

import msgspec
import structlog

from meeting.engine.host import EngineFailed, EngineSettings
from meeting.engine.library import program

log = structlog.get_logger(__name__)

START_SECONDS = 30.0
STOP_SECONDS = 35.0
"""A little more than the grace that the engine itself gives to running work."""
LONGEST_PAUSE = 30.0
HEALTHY_SECONDS = 60.0
"""After running this long, a death counts as the first one again."""
PIECE = 1 << 12


class _Started(msgspec.Struct, frozen=True):
    """The line that the engine prints once it listens."""

    endpoint: str


class ProcessHost:
    """Satisfies `Host` with a child; `first_pause` seconds lie before the first new start."""

    def __init__(
        self, settings: EngineSettings, file: Path | None = None, first_pause: float = 0.5
    ) -> None:
        self._settings = settings
        self._file = file or program()
        self._first_pause = first_pause
        self._endpoint = settings.endpoint
        self._child: Process | None = None

    @property
    def endpoint(self) -> str:
        """Where the engine listens, once it is started."""
        return self._endpoint

    @property
    def pid(self) -> int | None:
        """The child's process id, while there is one."""
        return None if self._child is None else self._child.pid

    async def start(self) -> None:
        """Start it and return once it listens; `EngineFailed` where it can't."""
        await self._spawn()

    async def watch(self) -> None:
        """Wait for the child's death and start the next one, ever more slowly; until cancelled."""
        child = self._child
        clock = asyncio.get_running_loop().time
        pause = self._first_pause
        reason = ""
        while True:
            if child is not None:
                began = clock()
                status = await _follow(child)
                reason = f"the engine ended with status {status}"
                if clock() - began > HEALTHY_SECONDS:
                    pause = self._first_pause
            log.error("engine down", reason=reason, again_in_seconds=pause)
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)
            try:
                child = await self._spawn()
            except EngineFailed as error:
                child, reason = None, str(error)

    async def stop(self) -> None:
        """Let running work end and stop it; again: nothing happens."""
        child, self._child = self._child, None
        if child is not None:
            await _end(child, STOP_SECONDS)

    async def _spawn(self) -> Process:
        """Start a child and return once it listens."""
        settings = self._settings
        try:
            child = await asyncio.create_subprocess_exec(
                *(*_bound_to_us(), str(self._file)),
                *("--models", str(settings.models), "--onnxruntime", str(settings.library)),
                *("--endpoint", self._endpoint),
                *("--workers", str(settings.workers), "--queue", str(settings.queue)),
                *("--deadline", str(settings.deadline)),
                stdin=DEVNULL,
                stdout=PIPE,
                stderr=PIPE,
            )
        except OSError as error:
            raise EngineFailed(f"can't run {self._file}: {error.strerror}") from error
        self._child = child
        try:
            async with asyncio.timeout(START_SECONDS):
                self._endpoint = await _endpoint(child)
        except TimeoutError as error:
            await _end(child, 0)
            raise EngineFailed(f"the engine did not listen in {START_SECONDS:.0f} s") from error
        except EngineFailed:
            await _end(child, 0)
            raise
        log.info("engine listens", endpoint=self._endpoint, pid=child.pid)
        return child


def _bound_to_us() -> list[str]:
    """Have the kernel end the child with us, also when we are killed."""
    setpriv = shutil.which("setpriv")
    return [] if setpriv is None else [setpriv, "--pdeathsig", "KILL"]


async def _endpoint(child: Process) -> str:
    """Read the line that the engine prints once it listens; without it, what it complains of."""
    if child.stdout is None or child.stderr is None:
        raise EngineFailed("the engine has no output to read")
    line = await child.stdout.read(PIECE)
    try:
        return msgspec.json.decode(line, type=_Started).endpoint
    except msgspec.DecodeError as error:
        complaint = (await child.stderr.read(PIECE)).decode(errors="replace").strip()
        raise EngineFailed(complaint or "the engine said nothing that is understood") from error


async def _follow(child: Process) -> int:
    """Carry what the child writes into the log, until it ends."""
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(_carry(child.stdout))
        tasks.create_task(_carry(child.stderr))
        return await child.wait()


async def _carry(pipe: StreamReader | None) -> None:
    while pipe is not None and (piece := await pipe.read(PIECE)):
        for line in piece.decode(errors="replace").splitlines():
            log.warning("engine says", line=line)


async def _end(child: Process, seconds: float) -> None:
    """Ask the child to end, and after `seconds` make it."""
    with suppress(ProcessLookupError):
        child.send_signal(signal.SIGTERM)
        try:
            async with asyncio.timeout(seconds):
                await child.wait()
        except TimeoutError:
            child.kill()
    await child.wait()
