"""A real `meeting serve` as a child process, and clients of it that share no code with it."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

import aiohttp

START_SECONDS = 60


class Server:
    """One process; `url` names its ports once it has started."""

    def __init__(
        self,
        state: Path,
        *,
        settings: Mapping[str, str],
        failpoint: str = "",
        flags: Sequence[str] = (),
    ) -> None:
        self._command = [sys.executable, "-m", "meeting", "serve", "--state-dir", str(state)]
        self._command += flags
        for key, value in settings.items():
            self._command += ["--set", f"{key}={value}"]
        self.failpoint = failpoint
        self._environment = {
            key: value for key, value in os.environ.items() if not key.startswith("MEETING_")
        }
        if failpoint:
            self._environment["MEETING_FAILPOINT"] = failpoint
        self.url: dict[str, str] = {}
        self.grpc: dict[str, str] = {}
        """Where its gRPC ports are, as host:port, by domain."""
        self.lines: list[dict[str, Any]] = []
        self._process: asyncio.subprocess.Process | None = None
        self._reader: asyncio.Task[None] | None = None
        self._started = asyncio.Event()

    @property
    def process(self) -> asyncio.subprocess.Process:
        """Return the child."""
        assert self._process is not None
        return self._process

    async def start(self) -> Self:
        """Start it and wait until it serves; an early end is a `ProcessLookupError`."""
        self._process = await asyncio.create_subprocess_exec(
            *self._command,
            env=self._environment,
            stdin=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
            limit=2**22,
        )
        self._reader = asyncio.create_task(self._read())
        started = asyncio.create_task(self._started.wait())
        async with asyncio.timeout(START_SECONDS):
            await asyncio.wait({started, self._reader}, return_when=asyncio.FIRST_COMPLETED)
        if not started.done():
            started.cancel()
            await self._process.wait()
            raise ProcessLookupError(self.log())
        return self

    async def ready(self) -> None:
        """Wait until `/ready` says so."""
        async with aiohttp.ClientSession() as http, asyncio.timeout(START_SECONDS):
            while True:
                async with http.get(self.url["http"] + "/ready") as response:
                    if response.status == 200:
                        return
                await asyncio.sleep(0.05)

    async def stop(self) -> int:
        """Ask it to end; the exit code."""
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGTERM)
        return await self.gone()

    async def kill(self) -> None:
        """End it without asking."""
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        await self.gone()

    async def gone(self) -> int:
        """Wait for its end; the exit code, negative for a signal."""
        code = await self.process.wait()
        if self._reader is not None:
            await self._reader
        return code

    def log(self) -> str:
        """Return what it logged, for the message of a failed test."""
        return "\n".join(json.dumps(line) for line in self.lines[-30:])

    def tracebacks(self) -> list[dict[str, Any]]:
        """Return the log lines that carry a traceback."""
        return [line for line in self.lines if "exception" in line or "text" in line]

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for raw in self.process.stderr:
            text = raw.decode(errors="replace").rstrip()
            try:
                line = json.loads(text)
            except json.JSONDecodeError:
                line = {"text": text}
            self.lines.append(line)
            if line.get("event") == "listening":
                name: str = line["name"]
                urls = self.grpc if name.startswith("grpc.") else self.url
                urls[name.removeprefix("grpc.")] = line["url"]
            # Not that of a part, which a split tells of, too.
            if line.get("event") == "started" and "part" not in line:
                self._started.set()


DOMAINS = ("user", "meeting", "media", "signaling", "ai", "notification")
EMBEDDED = {
    "http.port": "0",
    "signaling.port": "0",
    "ai.port": "0",
    "engine.endpoint": "tcp://127.0.0.1:0",
    **{f"grpc.{name}": "0" for name in DOMAINS},
    "log.format": "json",
    "http.account_rate": "100000",
    "http.address_rate": "100000",
    "http.user_rate": "100000",
}


@asynccontextmanager
async def serving(state: Path, **settings: str) -> AsyncIterator[Server]:
    """Run a server for a test, and stop it well afterwards."""
    changed = {key.replace("__", "."): value for key, value in settings.items()}
    server = Server(state, settings=EMBEDDED | changed)
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


class Client:
    """A user's side of the wire, by aiohttp alone."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self.url = url
        self.http = http
        self.token = ""
        self.user_id = 0
        self.name = ""

    async def ask(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, dict[str, Any]]:
        """Send one request; the status and the whole answer."""
        if self.token:
            headers.setdefault("Authorization", f"Bearer {self.token}")
        async with self.http.request(
            method, f"{self.url}/api/v1{path}", json=body, headers=headers
        ) as response:
            return response.status, await response.json()

    async def data(self, method: str, path: str, body: object = None, **headers: str) -> Any:
        """Send one request that has to succeed; the data of the answer."""
        status, answer = await self.ask(method, path, body, **headers)
        assert status < 300, (method, path, status, answer)
        return answer["data"]

    async def enter(self, name: str) -> Self:
        """Register and log in."""
        self.name = name
        account = {"username": name, "email": f"{name}@example.org", "password": "correct horse"}
        self.user_id = (await self.data("POST", "/auth/register", account))["user"]["id"]
        return await self.login(name)

    async def login(self, name: str) -> Self:
        """Log in to an account that is there."""
        self.name = name
        login = {"username": name, "password": "correct horse"}
        self.token = (await self.data("POST", "/auth/login", login))["token"]
        return self

    async def meeting(self, *, start: bool = True, **fields: object) -> int:
        """Make a meeting, and start it; its id."""
        body: dict[str, object] = {
            "title": f"of {self.name}",
            "start_time": "2026-01-01T00:00:00Z",
            "end_time": "2099-01-01T00:00:00Z",
        }
        made: int = (await self.data("POST", "/meetings", body | fields))["id"]
        if start:
            await self.data("POST", f"/meetings/{made}/start")
        return made

    async def socket(self, meeting_id: int, **query: str) -> aiohttp.ClientWebSocketResponse:
        """Open a socket by token and join the meeting's room."""
        socket = await self.http.ws_connect(
            self.url.replace("http", "ws", 1) + "/ws", params=query or {"token": self.token}
        )
        await socket.send_json({"type": "join", "room_id": f"room_{meeting_id}"})
        joined = await socket.receive_json(timeout=20)
        assert joined["type"] == "joined", joined
        return socket
