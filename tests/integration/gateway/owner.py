"""An owner of routes that does what a test tells it, byte by byte, however wrong that is."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from meeting.kernel.ids import RandomIds
from meeting.kernel.secret import Secret
from meeting.kernel.token import Tokens
from meeting.transports.gateway.bounds import Bounds
from meeting.transports.gateway.gateway import Gateway
from meeting.transports.http.limits import Limits
from meeting.transports.policy import Domain
from tests.clock import MovingClock
from tests.gateway import gateway

PATIENCE = 10.0
HURRIED = Bounds(
    owners=Limits(json_seconds=0.2, body_seconds=0.3),
    margin_seconds=0.1,
    connect_seconds=0.4,
    silence_seconds=0.5,
    stall_seconds=0.5,
    farewell_seconds=0.5,
)
"""Bounds that a test can wait for."""


class Asked:
    """One connection of the gateway, as the owner sees it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer
        self.target = ""
        self.headers: list[tuple[str, str]] = []

    async def head(self) -> "Asked":
        """Read a request's head."""
        raw = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = raw.strip().split("\r\n")
        self.target = first
        pairs = [line.partition(":") for line in lines]
        self.headers = [(name.lower(), value.strip()) for name, _, value in pairs]
        return self

    def header(self, name: str) -> str | None:
        """Return a header that may be there once."""
        found = [value for key, value in self.headers if key == name]
        assert len(found) <= 1, found
        return found[0] if found else None

    def say(self, *lines: str, body: bytes = b"") -> None:
        """Write a head, and what follows it."""
        self.writer.write("\r\n".join([*lines, "", ""]).encode() + body)

    def ok(self, body: bytes = b"done") -> None:
        """Answer well."""
        self.say("HTTP/1.1 200 OK", f"Content-Length: {len(body)}", body=body)


Script = Callable[[Asked], Awaitable[None]]


class Owner:
    """Listens, and runs the script for each connection; what it fails with fails the test."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[Asked] = []
        self.url = ""
        self.failed: list[BaseException] = []
        self._server: asyncio.Server
        self._tasks: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Listen on any free port."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def stop(self) -> None:
        """Die: nobody listens any more, and every connection is cut."""
        self._server.close()
        for asked in self.asked:
            asked.writer.transport.abort()
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        asked = Asked(reader, writer)
        self.asked.append(asked)
        try:
            with suppress(asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
                await self.script(asked)
        except Exception as error:  # noqa: BLE001 - told to the test at its end
            self.failed.append(error)
        finally:
            self._tasks.discard(task)
            writer.close()


@asynccontextmanager
async def owning(script: Script) -> AsyncIterator[Owner]:
    """Run an owner for a test."""
    owner = Owner(script)
    await owner.start()
    try:
        yield owner
    finally:
        await owner.stop()
    assert not owner.failed, owner.failed


TOKENS = Tokens(Secret("k" * 32), MovingClock(), RandomIds())


@asynccontextmanager
async def before(*urls: str, bounds: Bounds = HURRIED) -> AsyncIterator[Gateway]:
    """Run a gateway whose every owner is at the same addresses."""
    made = gateway(TOKENS, dict.fromkeys(Domain, urls), bounds=bounds)
    await made.start()
    try:
        yield made
    finally:
        await made.stop()


async def silence(asked: Asked) -> None:
    """Take the request and never answer."""
    await asked.head()
    await asyncio.Event().wait()


async def well(asked: Asked) -> None:
    """Answer each request on a connection, whatever it is, once its body is there."""
    while True:
        await asked.head()
        await asked.reader.readexactly(int(asked.header("content-length") or 0))
        asked.ok()
