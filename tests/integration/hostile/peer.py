"""WebSocket over a bare socket, so that a frame may be anything, and lie about itself."""

import base64
import json
import os
import socket
import struct
from contextlib import suppress
from typing import Any, NamedTuple

PATIENCE = 30.0
CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG = 0, 1, 2, 8, 9, 10
LOST = 1006


def frame(
    opcode: int,
    payload: bytes = b"",
    *,
    fin: bool = True,
    reserved: int = 0,
    masked: bool = True,
    length: int | None = None,
    form: int = 0,
) -> bytes:
    """Write a client's frame; `length` lies about its size, `form` is how the length is written."""
    size = len(payload) if length is None else length
    form = form or (1 if size < 126 else 2 if size < 65_536 else 8)
    first = (fin << 7) | (reserved << 4) | opcode
    mask = masked << 7
    head = {
        1: lambda: bytes([first, mask | size & 0x7F]),
        2: lambda: bytes([first, mask | 126]) + struct.pack("!H", size & 0xFFFF),
        8: lambda: bytes([first, mask | 127]) + struct.pack("!Q", size),
    }[form]()
    # A key of zeros leaves the payload as it is.
    return head + (bytes(4) if masked else b"") + payload


class Told(NamedTuple):
    """What a server sent up to a certain frame or its end."""

    frames: list[dict[str, Any]]
    """The JSON of its text frames, without the awaited one."""
    close: int
    """Its close code; 0 where it did not close."""


class Peer:
    """One WebSocket connection."""

    def __init__(self, address: tuple[str, int], token: str) -> None:
        self.sent = 0
        """How many frames were sent in the hope of an answer."""
        self._buffer = b""
        self._socket = socket.create_connection(address, PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        lines = ["GET /ws HTTP/1.1", "Host: localhost", "Upgrade: websocket", "Connection: Upgrade"]
        lines += [f"Sec-WebSocket-Key: {key}", "Sec-WebSocket-Version: 13"]
        lines += [f"Authorization: Bearer {token}", "", ""]
        self._socket.sendall("\r\n".join(lines).encode())
        while b"\r\n\r\n" not in self._buffer:
            self._more()
        head, _, self._buffer = self._buffer.partition(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 101 "), head

    def join(self, meeting_id: int) -> None:
        """Take a place in a room."""
        self.send(frame(TEXT, b'{"type":"join","room_id":"room_%d"}' % meeting_id))
        told = self.listen("joined")
        assert told.close == 0, told

    def send(self, data: bytes, count: int = 1) -> None:
        """Send bytes, which hold so many frames."""
        self.sent += count
        self._socket.sendall(data)

    def settle(self) -> Told:
        """Return all that is said to what was sent, up to the server's end if it comes to that.

        What marks it is a frame of a type that nobody knows: a pong would overtake the others.
        """
        mark = f"settle-{self.sent}"
        with suppress(ConnectionError):  # the end is still to be read
            self.send(frame(TEXT, json.dumps({"type": "settle", "id": mark}).encode()))
        return self.listen("error", mark)

    def finish(self) -> Told:
        """Say that no more comes, and return all that came before the server's end."""
        with suppress(OSError):  # the server may be faster
            self._socket.shutdown(socket.SHUT_WR)
        return self.listen("")

    def leave(self) -> None:
        """Close well, and wait until the server has."""
        with suppress(ConnectionError):
            self.send(frame(CLOSE, struct.pack("!H", 1000)))
        self.listen("")
        self.close()

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()

    def drain(self) -> None:
        """Throw away what has come until now."""
        self._buffer = b""
        self._socket.setblocking(False)
        with suppress(BlockingIOError):
            while self._socket.recv(65_536):
                pass
        self._socket.settimeout(PATIENCE)

    def listen(self, awaited: str, mark: str = "") -> Told:
        """Read until a frame of a type comes, or the end."""
        frames: list[dict[str, Any]] = []
        close = 0
        try:
            while True:
                opcode, payload = self._frame()
                if opcode == TEXT:
                    told = json.loads(payload)
                    if told["type"] == awaited and mark in ("", told.get("id")):
                        return Told(frames, close)
                    frames.append(told)
                elif opcode == CLOSE:
                    close = struct.unpack("!H", payload[:2])[0] if payload else 1005
                    self._socket.sendall(frame(CLOSE, payload[:2]))
        except ConnectionError:
            return Told(frames, close or LOST)

    def _frame(self) -> tuple[int, bytes]:
        while True:
            head = self._buffer[:10]
            if len(head) >= 2:
                size, at = head[1] & 0x7F, 2
                if size == 126:
                    size, at = int.from_bytes(head[2:4]), 4
                elif size == 127:
                    size, at = int.from_bytes(head[2:10]), 10
                if len(head) >= at and len(self._buffer) >= at + size:
                    payload = self._buffer[at : at + size]
                    self._buffer = self._buffer[at + size :]
                    return head[0] & 0x0F, payload
            self._more()

    def _more(self) -> None:
        data = self._socket.recv(65_536)
        if not data:
            raise ConnectionResetError
        self._buffer += data
