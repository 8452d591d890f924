"""`meeting serve --split` as a whole: real processes, PostgreSQL and Redis from their wheels."""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import psutil
import pytest

from meeting.app.modules import DOMAINS
from tests.process import Client, Server

PATIENCE = 90
CHILDREN = {"postgres", "redis", *DOMAINS, "gateway"}


class Split(Server):
    """A split, and what its log says of its children."""

    def __init__(self, folder: Path, given: dict[str, str]) -> None:
        super().__init__(folder, settings=given, flags=["--split"])
        self.gateway = f"http://127.0.0.1:{given['http.port']}"

    def started(self, child: str) -> list[int]:
        """Return the process ids that a child has had."""
        found = [line for line in self.lines if line.get("event") == "child started"]
        return [line["pid"] for line in found if line["child"] == child]

    def times_ready(self, child: str) -> int:
        """Return how often a child has become ready."""
        ready = {"event": "child ready", "child": child}
        return sum(ready.items() <= line.items() for line in self.lines)

    async def fell(self, child: str) -> None:
        """Kill a child, and wait until it is ready again."""
        async with self.falling(child):
            pass

    @asynccontextmanager
    async def falling(self, child: str) -> AsyncIterator[None]:
        """Kill a child, and wait in the end until it is ready again."""
        before = self.times_ready(child)
        fell = [line for line in self.lines if line.get("event") == "child fell"]
        assert psutil.pid_exists(self.started(child)[-1]), (child, fell, self.tracebacks())
        os.kill(self.started(child)[-1], signal.SIGKILL)
        yield
        async with asyncio.timeout(PATIENCE):
            while self.times_ready(child) == before:
                await asyncio.sleep(0.05)


@asynccontextmanager
async def splitting(folder: Path, given: dict[str, str]) -> AsyncIterator[Split]:
    """Run a split, and look that nothing of it is left."""
    split = Split(folder, given)
    try:
        await split.start()
    except BaseException:
        await split.kill()
        raise
    family = psutil.Process(split.process.pid).children(recursive=True)
    assert len(family) > len(CHILDREN)
    try:
        yield split
    finally:
        await split.stop()
    family += [psutil.Process(pid) for pid in psutil.pids() if pid in _all(split)]
    async with asyncio.timeout(PATIENCE):
        while [each for each in family if _lives(each)]:
            await asyncio.sleep(0.05)


def _all(split: Split) -> set[int]:
    return {pid for child in CHILDREN for pid in split.started(child)}


def _lives(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.apart
@pytest.mark.long
async def test_it_comes_up_heals_and_ends(folder: Path, given: dict[str, str]) -> None:
    """Ready; what is killed stands again; it ends with 0, and a next one has forgotten nothing."""
    async with aiohttp.ClientSession() as http:
        async with splitting(folder, given) as split:
            assert {child for child in CHILDREN if split.times_ready(child)} == CHILDREN
            client = await Client(split.gateway, http).enter("ann")
            meeting = await client.meeting()
            for child in ("meeting", "postgres", "redis"):
                await split.fell(child)
                assert len(set(split.started(child))) == 2
            assert await answers(client, meeting) == "of ann"
            assert await split.stop() == 0
            parts = {line["part"] for line in split.lines if "part" in line}
            assert parts >= CHILDREN
            assert split.tracebacks() == []
        async with splitting(folder, given) as split:
            client = await Client(split.gateway, http).login("ann")
            assert await answers(client, meeting) == "of ann"


async def answers(client: Client, meeting: int) -> str:
    """Ask for a meeting until the house has found its database again; its title."""
    async with asyncio.timeout(PATIENCE):
        while True:
            status, answer = await client.ask("GET", f"/meetings/{meeting}")
            if status == 200:
                title: str = answer["data"]["title"]
                return title
            assert status == 503, answer
            await asyncio.sleep(0.1)


@pytest.mark.apart
@pytest.mark.long
async def test_nothing_outlives_it(folder: Path, given: dict[str, str]) -> None:
    """When the supervisor is killed, so is everything that it has started."""
    async with splitting(folder, given) as split:
        await split.kill()


async def test_a_part_with_a_wrong_setting_ends_it(folder: Path, given: dict[str, str]) -> None:
    """What no restart heals ends the split with 2, and the part's own sentence is the last."""
    servers = {"postgres.dsn": "postgresql://x@127.0.0.1:1/x", "redis.url": "redis://127.0.0.1:1"}
    split = Split(folder, given | servers | {"grpc.host": "192.0.2.1"})
    with pytest.raises(ProcessLookupError):
        await split.start()
    assert split.process.returncode == 2
    assert "auth.secret, grpc.secret" in split.lines[-1]["text"]
    assert split.lines[-1]["text"].startswith("Wrong setting. ")


def test_a_port_that_somebody_has(folder: Path) -> None:
    """Another house's port is refused with its setting, before anything is started."""
    with socket.create_server(("127.0.0.1", 0)) as other:
        taken = f"meeting.port={other.getsockname()[1]}"
        line = [sys.executable, "-m", "meeting", "serve", "--split", "--state-dir", str(folder)]
        line += ["--set", taken]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
    assert done.returncode == 1, done.stderr
    assert "another by the setting meeting.port" in done.stderr.splitlines()[-1]
    assert "child started" not in done.stderr


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--only", "user"], "only: found user"),
        (["--only", "gateway"], "only: found parts beside --split"),
        (["--debug"], "debug: found true beside --split"),
        (["--set", "postgres.dsn=postgresql://x@h/x"], "redis.url is not"),
        (["--set", "redis.url=redis://h"], "postgres.dsn is not"),
    ],
)
def test_settings_that_say_two_things(folder: Path, flags: list[str], said: str) -> None:
    """Each is a sentence with its setting, and exit code 2, before anything is started."""
    line = [sys.executable, "-m", "meeting", "serve", "--split", "--state-dir", str(folder)]
    done = subprocess.run([*line, *flags], capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert said in done.stderr
    assert "Traceback" not in done.stderr
    assert list(folder.iterdir()) == []
