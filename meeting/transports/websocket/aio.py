"""Signalling on its own port: aiohttp, which relays about twice as fast as a raw ASGI route."""

import asyncio
import struct
from collections.abc import Collection

from aiohttp import WSMsgType, web

from meeting.domains.signaling.model import Close
from meeting.domains.signaling.ports import LOST, Closed
from meeting.domains.signaling.service import Signaling
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.ids import Ids
from meeting.kernel.token import Tokens
from meeting.transports.http.asgi import App
from meeting.transports.http.bridge import bridge
from meeting.transports.http.failures import failures
from meeting.transports.http.refusal import Refusal
from meeting.transports.http.server import CONNECTIONS, HEAD_SECONDS, Full
from meeting.transports.listening import Listening
from meeting.transports.websocket.handshake import (
    BUFFER_BYTES,
    LONGEST_MESSAGE,
    PATH,
    knock,
    refused,
)
from meeting.transports.websocket.masks import Line

LONGEST_REASON = 123


_log = failures(__name__)


class AioSocket:
    """A `Socket` on a prepared aiohttp WebSocket."""

    def __init__(self, response: web.WebSocketResponse, request: web.Request) -> None:
        self._response = response
        self._transport = request.transport
        self._stirred = False
        self._closing = False
        self._gone = asyncio.Event()
        if self._transport is not None:
            self._transport.set_write_buffer_limits(high=BUFFER_BYTES)

    async def receive(self) -> str | bytes | Closed:
        """Return the next message; answers pings and the client's close on the way."""
        while True:
            message = await self._response.receive()
            self._stirred = True
            match message.type:
                case WSMsgType.TEXT | WSMsgType.BINARY:
                    found: str | bytes = message.data
                    return found
                case WSMsgType.PING:
                    await self._response.pong(message.data)
                case WSMsgType.PONG:
                    continue
                case WSMsgType.CLOSE:
                    if not self._closing:
                        await self._response.close(code=message.data or Close.LEFT, drain=False)
                    self._gone.set()
                    return Closed(message.data or LOST)
                case _:
                    self._gone.set()
                    return Closed(LOST)

    async def send(self, text: bytes) -> None:
        """Send one text frame; waits while the transport's buffer is full."""
        await self._response.send_frame(text, WSMsgType.TEXT)

    async def ping(self) -> None:
        """Ask the client for a sign of life."""
        await self._response.ping()

    def stirred(self) -> bool:
        """Tell whether anything came since this was last asked."""
        stirred, self._stirred = self._stirred, False
        return stirred

    async def close(self, code: Close, reason: str) -> None:
        """Send the close and wait until the reader has met the client's answer."""
        self._closing = True
        body = struct.pack("!H", code) + reason.encode()[:LONGEST_REASON]
        await self._response.send_frame(body, WSMsgType.CLOSE)
        await self._gone.wait()

    def abort(self) -> None:
        """Drop the connection now."""
        if self._transport is not None:
            self._transport.abort()


def app(
    signaling: Signaling,
    *,
    origins: Collection[str],
    ids: Ids,
    clock: Clock,
    tokens: Tokens,
    rest: App | None = None,
) -> web.Application:
    """Make the app of the signalling port; `rest` serves what is no socket."""

    async def socket(request: web.Request) -> web.StreamResponse:
        asked = knock(
            request.rel_url.raw_query_string,
            request.headers.items(),
            request.remote or "",
            origins=origins,
            ids=ids,
            tokens=tokens,
        )
        response = web.WebSocketResponse(
            autoping=False,
            autoclose=False,
            compress=False,
            max_msg_size=LONGEST_MESSAGE,
            writer_limit=1,  # every frame waits for a full buffer, so nothing piles up behind it
        )
        try:
            if not response.can_prepare(request):
                raise Fault(Kind.VALIDATION, "ask for a WebSocket: Upgrade, version 13, a key")
            admitted = await signaling.admit(asked)
        except Fault as fault:
            return _answer(refused(fault, asked.request_id, clock.now()))
        line = None if request.transport is None else request.transport.get_protocol()
        if isinstance(line, Line):
            line.upgraded()  # before our answer is out: from its arrival on there may be frames
        try:
            await response.prepare(request)
        except BaseException:
            signaling.dismiss(admitted)
            raise
        await signaling.serve(AioSocket(response, request), admitted)
        return response

    made = web.Application()
    made.router.add_get(PATH, socket)
    if rest is not None:
        made.router.add_route("*", "/{path:.*}", bridge(rest))
    return made


def _answer(said: Refusal) -> web.Response:
    headers = {name.decode(): value.decode() for name, value in said.headers}
    return web.Response(status=said.status, headers=headers, body=said.body)


class Port(Listening):
    """The signalling port: `start`, `close` it to who is not in yet, `stop` it for all."""

    def __init__(
        self,
        application: web.Application,
        host: str,
        port: int,
        *,
        setting: str,
        connections: int = CONNECTIONS,
    ) -> None:
        super().__init__(host, port, setting)
        self._connections = connections
        self._runner = web.AppRunner(
            application,
            access_log=None,
            logger=_log,
            handle_signals=False,
            shutdown_timeout=5.0,
            # Counts from the last answer, or the beginning, until the next head is complete.
            keepalive_timeout=HEAD_SECONDS,
        )

    async def start(self) -> None:
        """Listen; `BindError` where the port can't be had. With port 0 the system chooses."""
        self.bind()
        await self._runner.setup()
        await self._listen(self._protocol)

    async def close(self) -> None:
        """Accept nothing new; who is connected stays."""
        self._shut()

    async def stop(self) -> None:
        """Stop listening and end what is left."""
        await self.close()
        await self._runner.cleanup()

    def _protocol(self) -> asyncio.Protocol:
        """Make what serves one connection, if there is room for it."""
        server = self._runner.server
        if server is None or len(server.connections) >= self._connections:
            return Full()
        return Line(server())
