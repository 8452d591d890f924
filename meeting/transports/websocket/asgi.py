"""Signalling on the port that serves everything: a raw ASGI route on uvicorn."""

from collections.abc import Collection

from litestar import asgi
from litestar.handlers import ASGIRouteHandler
from litestar.types import Receive, Scope, Send
from uvicorn.protocols.utils import ClientDisconnected

from meeting.domains.signaling.model import Close
from meeting.domains.signaling.ports import LOST, Closed
from meeting.domains.signaling.service import Signaling
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault
from meeting.kernel.ids import Ids
from meeting.kernel.token import Tokens
from meeting.transports.http.asgi import Receive as PlainReceive, Send as PlainSend
from meeting.transports.http.refusal import Refusal
from meeting.transports.websocket.handshake import PATH, knock, refused
from meeting.transports.websocket.wire import EXTENSION, Wire


class AsgiSocket:
    """A `Socket` on an accepted ASGI connection."""

    def __init__(self, wire: Wire, receive: PlainReceive, send: PlainSend) -> None:
        self._wire = wire
        self._receive = receive
        self._send = send

    async def receive(self) -> str | bytes | Closed:
        """Return the next message."""
        message = await self._receive()
        if message["type"] == "websocket.disconnect":
            return Closed(message.get("code") or LOST)
        text: str | None = message.get("text")
        return text if text is not None else bytes(message["bytes"])

    async def send(self, text: bytes) -> None:
        """Send one text frame; waits while the transport's buffer is full."""
        try:
            await self._send({"type": "websocket.send", "text": text.decode()})
        except (ClientDisconnected, RuntimeError) as error:  # RuntimeError: the close went first
            raise ConnectionResetError from error

    async def ping(self) -> None:
        """Ask the client for a sign of life."""
        self._wire.ping()

    def stirred(self) -> bool:
        """Tell whether anything came since this was last asked."""
        stirred, self._wire.stirred = self._wire.stirred, False
        return stirred

    async def close(self, code: Close, reason: str) -> None:
        """Send the close and wait until the client has answered it."""
        try:
            await self._send({"type": "websocket.close", "code": int(code), "reason": reason})
        except (ClientDisconnected, RuntimeError) as error:
            raise ConnectionResetError from error
        await self._wire.gone.wait()

    def abort(self) -> None:
        """Drop the connection now."""
        self._wire.abort()


def route(
    signaling: Signaling, *, origins: Collection[str], ids: Ids, clock: Clock, tokens: Tokens
) -> ASGIRouteHandler:
    """Make the route of the WebSocket."""

    @asgi(PATH, copy_scope=False)
    async def socket(scope: Scope, receive: Receive, send: Send) -> None:
        wire: Wire = scope["extensions"][EXTENSION]  # type: ignore[index,assignment]
        client = scope["client"]
        asked = knock(
            scope["query_string"].decode("ascii"),
            [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]],
            client[0] if client else "",
            origins=origins,
            ids=ids,
            tokens=tokens,
        )
        try:
            admitted = await signaling.admit(asked)
        except Fault as fault:
            await _refuse(refused(fault, asked.request_id, clock.now()), send)  # type: ignore[arg-type]
            wire.refused()
            return
        try:
            await send({"type": "websocket.accept", "subprotocol": None, "headers": []})
            await receive()  # websocket.connect
        except BaseException:
            signaling.dismiss(admitted)
            raise
        await signaling.serve(AsgiSocket(wire, receive, send), admitted)  # type: ignore[arg-type]

    return socket


async def _refuse(said: Refusal, send: PlainSend) -> None:
    start = {"status": said.status, "headers": said.headers}
    await send({"type": "websocket.http.response.start", **start})
    await send({"type": "websocket.http.response.body", "body": said.body, "more_body": False})
