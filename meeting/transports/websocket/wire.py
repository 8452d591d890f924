"""uvicorn's WebSocket protocol with what ASGI has no words for: ping, signs of life, abort.

It also keeps query strings out of the log, since tokens stand in them, and bounds what a client
that does not read can make the transport hold.
"""

import asyncio
import logging
import secrets
from asyncio.transports import BaseTransport
from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState
from websockets.http11 import Request
from websockets.server import ServerProtocol

from meeting.transports.websocket.handshake import BUFFER_BYTES, LONGEST_MESSAGE

EXTENSION = "meeting.wire"
LINGER_SECONDS = 5.0
INVALID_TEXT = 1007

_quiet = logging.getLogger(__name__)
_quiet.setLevel(logging.WARNING)  # its lines below that carry the query


class Wire(WebSocketsSansIOProtocol):
    """One connection; the app finds it in its scope's extensions under `EXTENSION`."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.logger = _quiet
        self.conn = ServerProtocol(max_size=LONGEST_MESSAGE, logger=_quiet)
        self.stirred = False
        """Whether anything came since somebody set it back."""
        self.gone = asyncio.Event()
        """Set when the connection is no more."""

    def ping(self) -> None:
        """Send a ping, unless the client does not even read what it has."""
        if self.writable.is_set() and not self.close_sent and not self.transport.is_closing():
            self.conn.send_ping(secrets.token_bytes(4))
            self.transport.write(b"".join(self.conn.data_to_send()))

    def refused(self) -> None:
        """Note that a refusal ended the handshake; uvicorn forgets it, and would log an error."""
        self.handshake_complete = True

    def abort(self) -> None:
        """Drop the connection with what was not sent."""
        self.transport.abort()

    def connection_made(self, transport: BaseTransport) -> None:
        """Bound the transport's buffer."""
        super().connection_made(transport)
        self.transport.set_write_buffer_limits(high=BUFFER_BYTES)

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell who waits for the end."""
        super().connection_lost(exc)
        self.gone.set()

    def data_received(self, data: bytes) -> None:
        """Note a sign of life."""
        self.stirred = True
        super().data_received(data)

    def handle_connect(self, event: Request) -> None:
        """Refuse a request line that is not ASCII; uvicorn would fail at it."""
        if event.path.isascii():
            super().handle_connect(event)
            return
        self.handshake_complete = self.close_sent = True
        self.conn.send_response(self.conn.reject(400, "the path and query must be ASCII\n"))
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.transport.close()

    def handle_ping(self) -> None:
        """Answer a ping; one of a client that does not read is dropped."""
        answer = b"".join(self.conn.data_to_send())
        if self.writable.is_set():
            self.transport.write(answer)

    def send_receive_event_to_app(self) -> None:
        """Close on text that is no UTF-8, without a traceback in the log."""
        if self.curr_msg_data_type == "text":
            try:
                b"".join(self.frames).decode()
            except UnicodeDecodeError:
                self.frames = []
                self.conn.fail(INVALID_TEXT, "text must be UTF-8")
                self.handle_parser_exception()
                return
        super().send_receive_event_to_app()

    def handle_parser_exception(self) -> None:
        """Close after bytes that are no frames of ours, and let the client read why."""
        if self.close_sent:
            return
        close = self.conn.close_sent
        code, reason = (close.code, close.reason) if close is not None else (1002, "")
        self.queue.put_nowait({"type": "websocket.disconnect", "code": code, "reason": reason})
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.resume_reading()  # what still comes is thrown away, not left to a reset
        self.close_timer = self.loop.call_later(LINGER_SECONDS, self.transport.abort)

    async def run_asgi(self) -> None:
        """Run the app, which finds this connection in its scope."""
        extensions: dict[str, Any] = self.scope["extensions"]
        extensions[EXTENSION] = self
        await super().run_asgi()
