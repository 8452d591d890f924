"""One process: started by exec in a session of its own, heard until it ends, ended as a whole."""

import asyncio
import os
import signal
from asyncio import StreamReader, StreamReaderProtocol
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Iterable
from contextlib import suppress

from meeting.app.supervisor.account import Unable
from meeting.app.supervisor.lines import Lines
from meeting.app.supervisor.program import Program

PIECE = 1 << 16
LAST_WORDS_SECONDS = 1.0
"""How long what an ended process has written is read."""


class Running:
    """A process, and the pipe in which it and what it starts write."""

    def __init__(self, process: Process, output: int) -> None:
        self._process = process
        self._output = output

    @property
    def pid(self) -> int:
        """The process id."""
        return self._process.pid

    async def follow(self, hear: Callable[[bytes], None]) -> int:
        """Hear each line until the process ends; its exit code, negative for a signal.

        What it had started and left behind ends with it: nothing of it works on beside a
        successor, or holds the pipe.
        """
        reader = StreamReader()
        pipe = os.fdopen(self._output, "rb", buffering=0)
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: StreamReaderProtocol(reader), pipe
        )
        reading = asyncio.create_task(_read(reader, hear))
        try:
            code = await self._process.wait()
            self.kill()
            with suppress(TimeoutError):
                async with asyncio.timeout(LAST_WORDS_SECONDS):
                    await asyncio.shield(reading)
        finally:
            reading.cancel()
            await asyncio.wait([reading])
            transport.close()
        return code

    def ask(self, end: signal.Signals) -> None:
        """Ask it to end."""
        with suppress(ProcessLookupError):
            self._process.send_signal(end)

    async def wait(self) -> None:
        """Wait for its end."""
        await self._process.wait()

    def kill(self) -> None:
        """End it at once, and what it has started."""
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)


async def spawn(program: Program) -> Running:
    """Start a process, in a session of its own so that a terminal's Ctrl-C is told by us alone."""
    # Not asyncio's pipe, whose end it waits for: a grandchild may hold that for ever.
    ours, theirs = os.pipe()
    try:
        process = await asyncio.create_subprocess_exec(
            *program.line,
            env=program.environment,
            cwd=program.folder or None,
            stdin=DEVNULL,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
    except BaseException as error:
        os.close(ours)
        if isinstance(error, OSError):
            raise Unable(f"{program.name} can't be started: {error}") from error
        raise
    finally:
        os.close(theirs)
    return Running(process, ours)


async def _read(output: StreamReader, hear: Callable[[bytes], None]) -> None:
    lines = Lines()
    try:
        while piece := await output.read(PIECE):
            _pass(lines.feed(piece), hear)
    finally:
        _pass(lines.end(), hear)


def _pass(lines: Iterable[bytes], hear: Callable[[bytes], None]) -> None:
    """Pass lines on; one that goes nowhere is lost, since who is not read on would freeze."""
    for line in lines:
        with suppress(OSError):
            hear(line)


def told(code: int) -> str:
    """Say how a process ended."""
    return f"exit code {code}" if code >= 0 else signal.Signals(-code).name
