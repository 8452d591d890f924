"""Processes that are called in the bench of calls, each on the first core."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import msgspec

from tests.bench.answering import SECRET
from tests.bench.environment import ROOT
from tests.bench.hosts import pinned

START, STOP = 60.0, 30.0
"""Seconds that a process may take to begin, and to end."""
SETTINGS = {
    "auth.secret": SECRET.reveal(),
    "grpc.secret": SECRET.reveal(),
    "grpc.user": "0",
    "grpc.meeting": "0",
    "user.port": "0",
    "meeting.port": "0",
    "tasks.concurrency": "0",
    "log.format": "json",
}


class Failed(Exception):
    """A run has no figure; the text says why."""


class Asked(msgspec.Struct, frozen=True):
    """A process that is called, and its port."""

    process: int
    port: int


@contextmanager
def answering(way: str, part: str, words: Sequence[str]) -> Iterator[Asked]:
    """Run a domain, on its rows or with answers at hand, and nothing beside it."""
    program = [sys.executable, "-m", "tests.bench.answering", way, part, *words]
    with _running(program) as (process, _):
        assert process.stdout is not None
        if not (said := process.stdout.readline()):
            raise Failed(f"{part} did not start")
        yield Asked(process.pid, json.loads(said)["port"])


@contextmanager
def house(part: str, folder: Path, user: int, settings: Mapping[str, str]) -> Iterator[Asked]:
    """Run a part of a house that calls the user domain at a port of this machine."""
    program = [sys.executable, "-m", "meeting", "serve", "--only", part, f"--state-dir={folder}"]
    peers = {"peers.user": f"127.0.0.1:{user}"} if user else {}
    for key, value in {**SETTINGS, **peers, **settings}.items():
        program += ["--set", f"{key}={value}"]
    with _running(program) as (process, log):
        end = time.monotonic() + START
        port = 0
        while not port:
            if process.poll() is not None or time.monotonic() > end:
                log.seek(0)
                said = log.read().decode().strip().splitlines() or ["nothing"]
                raise Failed(f"{part} did not start: {said[-1][:200]}")
            time.sleep(0.05)
            port = _listening(log, part)
        yield Asked(process.pid, port)


def _listening(log: BinaryIO, part: str) -> int:
    """Return the port on which a house has said that it listens, once it serves."""
    log.seek(0)
    lines = [json.loads(line) for line in log.read().splitlines() if line.startswith(b"{")]
    if not any(line.get("event") == "started" for line in lines):
        return 0
    (url,) = [line["url"] for line in lines if line.get("name") == f"grpc.{part}"]
    return int(url.rpartition(":")[2])


@contextmanager
def _running(program: Sequence[str]) -> Iterator[tuple[subprocess.Popen[bytes], BinaryIO]]:
    with tempfile.TemporaryFile() as log:
        with pinned(0):
            process = subprocess.Popen(
                program,
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
            )
        try:
            yield process, log
        finally:
            process.terminate()
            try:
                process.communicate(timeout=STOP)
            except subprocess.TimeoutExpired:
                process.kill()
                process.communicate()
