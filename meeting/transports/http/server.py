"""Embedded uvicorn on a socket that is bound before anything starts.

uvicorn by itself takes the process's signals, leaves by SystemExit when it can't bind, and keeps
listening when its task is cancelled; none of that may happen inside a house of many modules.
"""

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, cast

import uvicorn
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

from meeting.transports.http.asgi import App
from meeting.transports.listening import BACKLOG, Listening
from meeting.transports.websocket.wire import Wire

CONNECTIONS = 4096
"""How many clients may be connected to a port, beside those that have a WebSocket on it."""
HEAD_BYTES = 64 * 2**10
HEAD_SECONDS = 15.0
IDLE_SECONDS = 30


class Full(asyncio.Protocol):
    """Hangs up on a client for whom there is no room; whoever is in is served on."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """End the connection before a byte of it is read."""
        cast("asyncio.Transport", transport).abort()


class Head(HttpToolsProtocol):
    """Bounds what a client may send before its request begins, in bytes and in seconds."""

    def connection_made(self, transport: Any) -> None:
        """Start the time of the first head."""
        super().connection_made(transport)
        self._size = 0
        self._timer: asyncio.TimerHandle | None = None
        self._begin()

    def on_message_begin(self) -> None:
        """Start the time of each further head."""
        super().on_message_begin()
        self._begin()

    def on_headers_complete(self) -> None:
        """End the time: the gate bounds what comes now."""
        self._end()
        super().on_headers_complete()

    def data_received(self, data: bytes) -> None:
        """Count what belongs to an unfinished head."""
        if self._timer is not None:
            self._size += len(data)
        super().data_received(data)
        if self._timer is not None and self._size > HEAD_BYTES:
            self._end()
            self.send_400_response("The request's head is too long.")

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the timer."""
        self._end()
        super().connection_lost(exc)

    def _begin(self) -> None:
        self._end()
        self._timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _end(self) -> None:
        self._size = 0
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def _bounded(connections: int) -> type[asyncio.Protocol]:
    """Make what uvicorn makes a protocol with for each client: a `Head`, or `Full`.

    uvicorn's own bound would answer everybody 503 once it is reached, also who is in already.
    """

    def protocol(*, server_state: ServerState, **given: Any) -> asyncio.Protocol:
        if len(server_state.connections) >= connections:
            return Full()
        return Head(server_state=server_state, **given)

    return cast("type[asyncio.Protocol]", protocol)


class _Server(uvicorn.Server):
    """uvicorn that leaves signals alone and says when it listens."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.listening = asyncio.Event()
        self.servers = []

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Take no signals: the process has one place for them."""
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, and say so."""
        await super().startup(sockets)
        self.listening.set()


class Listener(Listening):
    """One HTTP port: `start` when its routes can answer, `stop` to drain it."""

    def __init__(
        self,
        app: App,
        host: str,
        port: int,
        *,
        setting: str,
        drain_seconds: int = 20,
        connections: int = CONNECTIONS,
    ) -> None:
        super().__init__(host, port, setting)
        self._task: asyncio.Task[None] | None = None
        self._uvicorn = _Server(
            uvicorn.Config(
                app,
                http=_bounded(connections),
                ws=Wire,
                lifespan="off",
                log_config=None,
                access_log=False,
                server_header=False,
                proxy_headers=False,
                backlog=BACKLOG,
                timeout_keep_alive=IDLE_SECONDS,
                timeout_graceful_shutdown=drain_seconds,
                ws_max_size=2**20,
                ws_ping_interval=None,  # signalling has its own
            )
        )

    async def start(self) -> None:
        """Serve; returns once connections are accepted."""
        serving = self._uvicorn.serve([self.bind()])
        self._task = asyncio.create_task(serving, name=f"http:{self.port}")
        heard = asyncio.create_task(self._uvicorn.listening.wait())
        await asyncio.wait({self._task, heard}, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            heard.cancel()
            await self._task

    async def close(self) -> None:
        """Accept nothing new; who is connected stays."""
        for server in self._uvicorn.servers:
            server.close()

    async def stop(self) -> None:
        """Accept nothing new, let what runs end (for `drain_seconds`), and leave the port."""
        self._uvicorn.should_exit = True
        if self._task is not None:
            # Whoever waits here may be out of patience; the server goes on to its own end all the
            # same, which a second call then finds.
            await asyncio.wait({self._task})
            self._task.result()
        else:
            self._shut()
