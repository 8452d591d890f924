"""Under a debugger: a breakpoint in a domain holds, and deadlines wait for the person.

The debugger is Python's own, on the server's thread, told what to do through its standard input.
"""

import ast
import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psutil

import meeting
from tests.process import EMBEDDED, Client
from tests.recordings import spoken

SHORTEST = 2.0
"""The shortest deadline, that of a call from domain to domain, in seconds."""
PATIENCE = 60
PROMPT = b"(Pdb) "


def line_of(file: Path, name: str) -> int:
    """Find the first line of a method that does something."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.AsyncFunctionDef) and node.name == name:
            documented = ast.get_docstring(node) is not None
            return node.body[1 if documented else 0].lineno
    raise LookupError(name)


class Debugged:
    """A server that runs under pdb."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.url: dict[str, str] = {}
        self.ready = asyncio.Event()
        self.speaks = asyncio.Event()

    async def prompt(self) -> str:
        """Wait until the debugger asks what to do; what it showed before."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            return (await self.process.stdout.readuntil(PROMPT)).decode()

    def say(self, command: str) -> None:
        """Type a command."""
        assert self.process.stdin is not None
        self.process.stdin.write(command.encode() + b"\n")

    async def read(self) -> None:
        """Follow the log: where it listens, and when its models are there."""
        assert self.process.stderr is not None
        async for raw in self.process.stderr:
            line: dict[str, Any] = json.loads(raw)
            if line["event"] == "listening":
                self.url[line["name"]] = line["url"]
            if line["event"] == "module ready" and line["module"] == "engine":
                self.ready.set()
            if line["event"] == "speech begins":
                self.speaks.set()


@asynccontextmanager
async def debugged(state: Path, **settings: str) -> AsyncIterator[Debugged]:
    """Run `python -m pdb -m meeting serve --debug`, which stands at its prompt."""
    command = ["-m", "pdb", "-m", "meeting", "serve", "--debug", "--state-dir", str(state)]
    for key, value in (EMBEDDED | settings).items():
        command += ["--set", f"{key}={value}"]
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", *command),
        env={key: value for key, value in os.environ.items() if not key.startswith("MEETING_")},
        stdin=pipe,
        stdout=pipe,
        stderr=pipe,
    )
    found = Debugged(process)
    reader = asyncio.create_task(found.read())
    try:
        yield found
    finally:
        process.kill()
        await process.wait()
        await reader


async def test_a_breakpoint_holds(tmp_path: Path, models: Path, shared: Path) -> None:
    """A thread that stands still for three times the shortest deadline loses nobody's request."""
    domain = Path(meeting.__file__).parent / "domains" / "meeting" / "service.py"
    place = f"{domain}:{line_of(domain, 'validate_user_access')}"
    settings = {"models.folder": str(models), "models.pull": "false"}
    async with debugged(tmp_path, **settings) as server, aiohttp.ClientSession() as http:
        await server.prompt()
        # Where signaling asks meeting to let somebody in, a call between domains; at the second.
        for command in (f"tbreak {place}, admit", "ignore 1 1"):
            server.say(command)
            assert "reakpoint 1" in await server.prompt()
        server.say("continue")
        async with asyncio.timeout(PATIENCE):
            await server.ready.wait()
        assert psutil.Process(server.process.pid).children(recursive=True) == []
        ann = await Client(server.url["http"], http).enter("ann")
        bob = await Client(server.url["http"], http).enter("bob")
        meeting_id = await ann.meeting()
        room = await ann.socket(meeting_id)
        recording = {"audio_data": spoken(shared, 2), "meeting_id": meeting_id, "language": "en"}
        speech = asyncio.create_task(ann.ask("POST", "/ai/speech-recognition", recording))
        async with asyncio.timeout(PATIENCE):
            await server.speaks.wait()
        joining = asyncio.create_task(bob.socket(meeting_id))
        assert "validate_user_access" in await server.prompt()
        await asyncio.sleep(3.1 * SHORTEST)
        assert not joining.done()
        assert not speech.done()
        server.say("continue")
        await joining
        status, heard = await speech
        assert status == 200, heard
        assert "sorrow" in heard["data"]["text"]
        assert (await room.receive_json(timeout=PATIENCE))["username"] == "bob"
        assert psutil.Process(server.process.pid).children(recursive=True) == []
