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
from meeting.transports.websocket.wire import Wire

BACKLOG = 512
CONNECTIONS = 4096
"""How many clients may be connected to a port, beside those that have a WebSocket on it."""
HEAD_BYTES = 64 * 2**10
HEAD_SECONDS = 15.0
IDLE_SECONDS = 30


class BindError(Exception):
    """An address can't be listened on; the text says which setting to change."""


def bind(host: str, port: int, setting: str) -> socket.socket:
    """Open a listening socket; `setting` is the key that a person would change."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Without the protocol's number asyncio leaves Nagle on, and each answer waits 40 ms for an ACK.
    opened = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        opened.bind((host, port))
        opened.listen(BACKLOG)
        opened.setblocking(False)
    except OSError as error:
        opened.close()
        msg = (
            f"can't listen on {host}:{port} ({error.strerror}); stop what holds the port, "
            f"or choose another by the setting {setting}"
        )
        raise BindError(msg) from error
    return opened


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


class Listener:
    """One HTTP port: `bind` early, `start` when its routes can answer, `stop` to drain it."""

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
        self.host = host
        self.port = port
        self._setting = setting
        self._socket: socket.socket | None = None
        self._task: asyncio.Task[None] | None = None
        self._server = _Server(
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

    def bind(self) -> None:
        """Take the port; `BindError` where it can't be had. With port 0 the system chooses."""
        self._socket = bind(self.host, self.port, self._setting)
        self.port = self._socket.getsockname()[1]

    async def start(self) -> None:
        """Serve; returns once connections are accepted."""
        if self._socket is None:
            self.bind()
        sockets = [] if self._socket is None else [self._socket]
        self._task = asyncio.create_task(self._server.serve(sockets), name=f"http:{self.port}")
        heard = asyncio.create_task(self._server.listening.wait())
        await asyncio.wait({self._task, heard}, return_when=asyncio.FIRST_COMPLETED)
        if self._task.done():
            heard.cancel()
            await self._task

    async def close(self) -> None:
        """Accept nothing new; who is connected stays."""
        for server in self._server.servers:
            server.close()

    async def stop(self) -> None:
        """Accept nothing new, let what runs end (for `drain_seconds`), and leave the port."""
        self._server.should_exit = True
        if self._task is not None:
            # Whoever waits here may be out of patience; the server goes on to its own end all the
            # same, which a second call then finds.
            await asyncio.wait({self._task})
            self._task.result()
        elif self._socket is not None:
            self._socket.close()
