"""HTTP/2 by hand: what no well-behaved client would send."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import (
    ConnectionTerminated,
    DataReceived,
    Event,
    ResponseReceived,
    StreamEnded,
    StreamReset,
    TrailersReceived,
)

HEAD = {
    ":method": "POST",
    ":scheme": "http",
    ":path": "/grpc.UserService/ValidateToken",
    ":authority": "test",
    "te": "trailers",
    "content-type": "application/grpc",
}


class Raw:
    """One connection; `h2` is for whoever wants to send what `send` and `open` do not."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        config = H2Configuration(validate_outbound_headers=False, header_encoding="latin-1")
        self.h2 = H2Connection(config=config)
        self._reader, self._writer = reader, writer
        self.headers: dict[int, dict[str, str]] = {}
        """Headers and trailers that came, by stream."""
        self.data: dict[int, bytes] = {}
        self.over: set[int] = set()
        """Streams that the server has ended."""
        self.gone = False
        """The server hung up."""

    def open(self, *, end: bool = False, **headers: str) -> int:
        """Begin a call; `x_user_id` stands for `x-user-id`, `path` for `:path`."""
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        given = {(f":{name}" if f":{name}" in HEAD else name): given[name] for name in given}
        stream = self.h2.get_next_available_stream_id()
        whole = {name: value for name, value in (HEAD | given).items() if value}
        self.h2.send_headers(stream, list(whole.items()), end_stream=end)
        return stream

    def send(self, stream: int, data: bytes, *, end: bool = False) -> None:
        """Send data."""
        self.h2.send_data(stream, data, end_stream=end)

    def write(self, data: bytes = b"") -> None:
        """Let out what was sent, and then bytes of any kind."""
        self._writer.write(self.h2.data_to_send() + data)

    async def until_over(self, stream: int) -> dict[str, str]:
        """Wait for the end of a call, and return headers and trailers together."""
        while stream not in self.over and not self.gone:
            await self.hear()
        return self.headers.get(stream, {})

    async def until_gone(self) -> None:
        """Wait until the server hangs up."""
        while not self.gone:
            await self.hear()

    async def hear(self) -> None:
        """Take what comes next."""
        self.write()
        async with asyncio.timeout(10):
            data = await self._reader.read(2**16)
        if not data:
            self.gone = True
            return
        for event in self.h2.receive_data(data):
            self._take(event)
        self.write()

    def _take(self, event: Event) -> None:
        match event:
            case ResponseReceived() | TrailersReceived():
                held = self.headers.setdefault(event.stream_id, {})
                for name, value in event.headers:
                    held[str(name)] = str(value)
            case DataReceived():
                self.data[event.stream_id] = self.data.get(event.stream_id, b"") + event.data
            case StreamEnded() | StreamReset():
                self.over.add(event.stream_id)
            case ConnectionTerminated():
                self.gone = True
            case _:
                pass


@asynccontextmanager
async def raw(port: Any, **settings: int) -> AsyncIterator[Raw]:
    """Connect to a port of ours."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port.port)
    client = Raw(reader, writer)
    client.h2.initiate_connection()
    client.write()
    try:
        yield client
    finally:
        writer.close()
