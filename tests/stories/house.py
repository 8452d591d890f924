"""A house of real processes, as an operator would run it: on a free port each, with logs."""

import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from meeting.transports.listening import hold
from tests.child import Child
from tests.redis import Redis

START_SECONDS = 120.0
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("MEETING_")}
WHOLE = ""
"""The name of a process that has all parts in it."""
PORTS = ("http.port", "signaling.port", "ai.port")
"""The HTTP ports of a house in one process."""
CALLS = ("user", "meeting", "media", "signaling", "ai", "notification")
"""Who takes calls by gRPC."""
SECRET = "what-services-of-the-stories-show-to-be-let-in"
SETTINGS = {
    "grpc.secret": SECRET,
    "log.format": "json",
    "engine.workers": "1",
    "models.pull": "false",
    "signaling.grace_seconds": "3",
    # A machine that is busy with other tests is slow, and no story is about that.
    "signaling.call_seconds": "20",
    "grpc.call_seconds": "20",
    # All stories come from one address; what one account may try stays as it is by default.
    "http.address_rate": "100000",
    "http.user_rate": "100000",
}


class House:
    """The processes of one layout on one state folder; `url` is where users knock.

    Ports stay the same over a restart: nobody else gets them as long as the house stands.
    """

    def __init__(
        self,
        name: str,
        state: Path,
        settings: Mapping[str, str],
        *,
        parts: Sequence[str] = (WHOLE,),
        ports: Iterable[str] = PORTS,
        redis: Redis | None = None,
    ) -> None:
        self.name = name
        self.state = state
        self._parts = list(parts)
        self._more: dict[str, dict[str, str]] = {}
        """Settings of a part that is there twice."""
        self.redis = redis
        """What tasks and events travel through, where that is a server."""
        self.excused: set[str] = set()
        """Types of tasks that may be logged as errors, because a story made them so."""
        self._held = ExitStack()
        self.ports = {each: self._reserve() for each in ports}
        self.calls = {each: self._reserve() for each in CALLS}
        self.settings = {
            **SETTINGS,
            **{name: str(port) for name, port in self.ports.items()},
            **{f"grpc.{name}": str(port) for name, port in self.calls.items()},
            "engine.endpoint": f"tcp://127.0.0.1:{self._reserve()}",
            **settings,
        }
        self.url = self.at("http.port")
        self._children: dict[str, Child] = {}

    def at(self, port: str) -> str:
        """Return the address of a port by the setting that names it."""
        return f"http://127.0.0.1:{self.ports[port]}"

    def twin(self, part: str) -> None:
        """Have a part twice, the other on ports and in a folder of its own, as on two machines."""
        name, call = f"{part}-2", self._reserve()
        self.ports[name], self.calls[name] = self._reserve(), call
        self._more[name] = {f"{part}.port": str(self.ports[name]), f"grpc.{part}": str(call)}
        self._parts.append(name)
        self.settings |= {
            "auth.secret": SECRET,
            f"gateway.{part}": f"{self.at(f'{part}.port')},{self.at(name)}",
            f"peers.{part}": f"127.0.0.1:{self.calls[part]},127.0.0.1:{call}",
        }

    def start(self) -> None:
        """Start the processes in an order that nobody chose, and wait until each serves."""
        self.state.mkdir(exist_ok=True)
        order = random.sample(self._parts, len(self._parts))
        for part in order:
            self._log(part).touch()
        marks = {part: self._log(part).stat().st_size for part in order}
        for part in order:
            self._children[part] = Child(self._serve(part), self._log(part), environment=CLEAN)
        end = time.monotonic() + START_SECONDS
        for part, mark in marks.items():
            while not any(line.get("event") == "started" for line in self.lines(part, mark)):
                self.check()
                assert time.monotonic() < end, f"{part or 'it'} does not start\n{self.tail(part)}"
                time.sleep(0.02)

    def ask(self) -> None:
        """Ask all processes to end."""
        for child in self._children.values():
            child.ask()

    def gone(self) -> None:
        """Wait until all processes have ended, which they have to do well."""
        codes = {part: child.gone() for part, child in self._children.items()}
        self._children.clear()
        assert not any(codes.values()), (codes, *map(self.tail, codes))

    def close(self) -> None:
        """End what is left, and let others have the ports."""
        for child in self._children.values():
            child.kill()
        self._held.close()

    def check(self) -> None:
        """Assert that nobody has died."""
        for part, child in self._children.items():
            assert child.code is None, f"{part or 'it'} ended: {child.code}\n{self.tail(part)}"

    def marks(self) -> dict[str, int]:
        """Return how long each log is."""
        return {part: self._log(part).stat().st_size for part in self._children}

    def broken(self, marks: Mapping[str, int]) -> list[dict[str, Any]]:
        """Return what was logged since then that no house in order logs: tracebacks and errors."""
        return [
            line
            for part in self._children
            for line in self.lines(part, marks.get(part, 0))
            if "exception" in line or "text" in line or line.get("level") == "error"
            if line.get("type") not in self.excused
        ]

    def lines(self, part: str, mark: int = 0) -> list[dict[str, Any]]:
        """Return what a process has logged, from a place on; what is no JSON stands as `text`."""
        with self._log(part).open("rb") as log:
            log.seek(mark)
            whole, _, _ = log.read().rpartition(b"\n")
        return [_read(line) for line in whole.splitlines()]

    def tail(self, part: str) -> str:
        """Return the last lines of a log, for the message of a story that failed."""
        return "\n".join(json.dumps(line) for line in self.lines(part)[-30:])

    def typed(self, *words: str) -> str:
        """Type a command beside the house; what it said."""
        command = self.command(*words)
        done = subprocess.run(command, env=CLEAN, capture_output=True, text=True, check=False)
        assert done.returncode == 0, (words, done.stderr)
        return done.stdout

    def command(self, *words: str) -> list[str]:
        """Return a command line of this house."""
        command = [sys.executable, "-m", "meeting", *words, "--state-dir", str(self.state)]
        return command + _set(self.settings)

    def _serve(self, part: str) -> list[str]:
        command = self.command("serve")
        if part:
            command += ["--only", part.partition("-")[0]]
        if part in self._more:
            command += ["--state-dir", str(self.state.with_name(part))]
        return command + _set(self._more.get(part, {}))

    def _log(self, part: str) -> Path:
        return self.state.with_name(f"{part or 'whole'}.log")

    def _reserve(self) -> int:
        """Take a port; who binds it as servers do may listen there, others are not given it."""
        port: int = self._held.enter_context(hold("127.0.0.1")).getsockname()[1]
        return port


def _set(settings: Mapping[str, str]) -> list[str]:
    return [part for key, value in settings.items() for part in ("--set", f"{key}={value}")]


def _read(line: bytes) -> dict[str, Any]:
    try:
        found: dict[str, Any] = json.loads(line)
    except json.JSONDecodeError:
        return {"text": line.decode(errors="replace")}
    return found
