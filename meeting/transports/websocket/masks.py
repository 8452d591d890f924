"""Holds clients on the signalling port to masking their frames (RFC 6455, 5.1).

aiohttp reads frames of servers and of clients by the same code and takes both kinds from both. So
this stands between the connection and aiohttp, and follows no more than where each frame begins.
"""

import asyncio
from typing import cast

MASKED, LENGTH = 0x80, 0x7F
SHORT, LONG = 126, 127
KEY_BYTES = 4
BREACH = b"\x88\x02\x03\xea"
"""A close frame with 1002, protocol error."""


class Masks:
    """Tells whether each frame of one client is masked, however the frames are cut in parts."""

    def __init__(self) -> None:
        self._head = b""
        self._ahead = 0
        """Bytes until the next frame begins."""

    def broken(self, part: bytes) -> bool:
        """Take in the next part; True where a frame in it is not masked."""
        data = self._head + part
        at = self._ahead
        while at + 2 <= len(data):
            if not data[at + 1] & MASKED:
                return True
            size = data[at + 1] & LENGTH
            more = {SHORT: 2, LONG: 8}.get(size, 0)
            if at + 2 + more > len(data):
                break
            if more:
                size = int.from_bytes(data[at + 2 : at + 2 + more], "big")
            at += 2 + more + KEY_BYTES + size
        self._head = data[at:]
        self._ahead = max(0, at - len(data))
        return False


class Line(asyncio.Protocol):
    """One connection on its way to what serves it; looks at frames once there are some."""

    def __init__(self, server: asyncio.Protocol) -> None:
        self._server = server
        self._masks: Masks | None = None
        self._ended = False
        self._transport: asyncio.Transport

    def upgraded(self) -> None:
        """Take all that comes from now on for frames; a client waits for our answer until here."""
        self._masks = Masks()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._server.connection_made(transport)

    def data_received(self, data: bytes) -> None:
        """Hand bytes on; a client that breaks the protocol is told so, and hung up on."""
        if self._ended:
            return
        if self._masks is not None and self._masks.broken(data):
            self._ended = True
            self._transport.write(BREACH)
            self._transport.close()
            return
        self._server.data_received(data)

    def eof_received(self) -> bool | None:
        """Hand the end of what the client says on."""
        return self._server.eof_received()

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._server.connection_lost(exc)

    def pause_writing(self) -> None:
        """Hand on that the client reads too slowly."""
        self._server.pause_writing()

    def resume_writing(self) -> None:
        """Hand on that the client has caught up."""
        self._server.resume_writing()
