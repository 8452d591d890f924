"""A child process behind a fence: no environment, bounded in time, memory, files and output.

The child is started by exec through small programs of the system (`setpriv`, `prlimit`, `nice`), so
that the limits stand before it runs and nothing of ours is forked. It dies with us. Its number of
processes is not limited: the kernel counts all processes of the user there, ours too.
"""

import asyncio
import os
import shutil
import signal
from asyncio import StreamReader, StreamWriter
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Sequence
from contextlib import suppress

import msgspec

_PIECE = 1 << 16


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """How much a child may take."""

    output: int
    """Bytes that are read; a child that writes more is ended."""
    seconds: float = 30.0
    """Of the clock on the wall; those of the processor are as many, rounded up."""
    memory: int = 1 << 30
    files: int = 32


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """How a child ended and what it wrote."""

    output: bytes
    status: int
    """Exit status; negative: the signal that ended it."""
    cut: bool = False
    """It wrote more than allowed and was ended for that."""
    late: bool = False
    """It ran longer than allowed and was ended for that."""


class Fence:
    """Runs one program behind the fence."""

    def __init__(self, program: str) -> None:
        self.program = program
        self._tools = [shutil.which(name) for name in ("setpriv", "prlimit", "nice", program)]

    @property
    def missing(self) -> str:
        """Name the program that is not installed; empty when all are there."""
        names = ("setpriv", "prlimit", "nice", self.program)
        return next((n for n, path in zip(names, self._tools, strict=True) if path is None), "")

    def command(self, arguments: Sequence[str], limits: Limits) -> list[str]:
        """Build the command line, limits before program."""
        if self.missing:
            raise FileNotFoundError(self.missing)
        setpriv, prlimit, nice, program = (str(path) for path in self._tools)
        return [
            *(setpriv, "--pdeathsig", "KILL", "--no-new-privs"),
            *(prlimit, f"--as={limits.memory}", f"--cpu={int(limits.seconds) + 1}"),
            *("--fsize=0", f"--nofile={limits.files}", "--core=0"),
            *(nice, "-n", "10", program, *arguments),
        ]

    async def run(self, arguments: Sequence[str], source: bytes | int, limits: Limits) -> Outcome:
        """Run the program on bytes through a pipe, or on an open file as its standard input."""
        child = await asyncio.create_subprocess_exec(
            *self.command(arguments, limits),
            stdin=source if isinstance(source, int) else PIPE,
            stdout=PIPE,
            stderr=DEVNULL,  # it quotes what is in the file
            cwd="/",
            env={},
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(limits.seconds), asyncio.TaskGroup() as tasks:
                if not isinstance(source, int):
                    tasks.create_task(_feed(child.stdin, source))
                output, cut = await _read(child.stdout, limits.output)
                if cut:
                    _kill(child)
                status = await child.wait()
        except TimeoutError:
            return Outcome(output=b"", status=-signal.SIGKILL, late=True)
        finally:
            await _end(child)
        return Outcome(output=output, status=status, cut=cut)


async def _feed(pipe: StreamWriter | None, data: bytes) -> None:
    """Write the input; a child may stop reading whenever it has enough."""
    if pipe is None:
        return
    with suppress(BrokenPipeError, ConnectionResetError):
        for start in range(0, len(data), _PIECE):
            pipe.write(data[start : start + _PIECE])
            await pipe.drain()
    pipe.close()


async def _read(pipe: StreamReader | None, most: int) -> tuple[bytes, bool]:
    """Read the output up to its bound; tell whether there was more."""
    output = bytearray()
    while pipe is not None and (piece := await pipe.read(_PIECE)):
        output += piece
        if len(output) > most:
            return bytes(output[:most]), True
    return bytes(output), False


def _kill(child: Process) -> None:
    """End the child and whatever it started."""
    with suppress(ProcessLookupError):
        os.killpg(child.pid, signal.SIGKILL)


async def _end(child: Process) -> None:
    """Leave no child behind, also when we are cancelled while it ends."""
    if child.returncode is None:
        _kill(child)
        await asyncio.shield(child.wait())
