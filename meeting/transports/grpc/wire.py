"""HTTP/2 by grpclib, and what it leaves open: bounds, empty frames, frames that nobody knows."""

import asyncio
import struct
from collections.abc import Callable
from functools import partial

from grpclib.config import Configuration
from grpclib.protocol import (
    AbstractHandler,
    Buffer,
    Connection,
    EventsProcessor,
    H2Protocol,
    Stream,
)
from h2.config import H2Configuration
from h2.events import ConnectionTerminated, DataReceived, Event, RequestReceived
from h2.exceptions import ProtocolError

from meeting.kernel.errors import Fault, Kind

WINDOW = 4 * 2**20
"""Bytes that a peer may send ahead of whoever reads: on a connection, and on one stream of it."""
PREFIX = struct.Struct(">BI")
"""What stands before each message: whether it is compressed, and its length."""

CONFIG = Configuration(
    # A peer that is gone without a word is found out while a call is open.
    _keepalive_time=20.0,
    _keepalive_timeout=10.0,
    _keepalive_permit_without_calls=False,
    _http2_max_pings_without_data=0,
    _http2_min_sent_ping_interval_without_data=10.0,
    http2_connection_window_size=WINDOW,
    http2_stream_window_size=WINDOW,
)
CLIENT = H2Configuration(client_side=True, header_encoding=None)
SERVER = H2Configuration(client_side=False, header_encoding=None)

Headers = list[tuple[str, str]]


class Broken(Exception):
    """The other side went away in the middle of something."""


class Inbox(Buffer):
    """What has arrived of a stream and was not read yet; the window bounds it.

    grpclib's own takes an empty frame in the middle of a message for its end.
    """

    def __init__(self, ack: Callable[[int], None]) -> None:
        super().__init__(ack)
        self._ack = ack
        self._arrived: list[tuple[bytes, int]] = []
        self._held = bytearray()
        self._over = False
        self._grown = asyncio.Event()

    def add(self, data: bytes, ack_size: int) -> None:
        """Take a frame."""
        if ack_size:
            self._arrived.append((data, ack_size))
            self._grown.set()

    def eof(self) -> None:
        """Take the end of the stream."""
        self._over = True
        self._grown.set()

    async def read(self, size: int) -> bytes:
        """Return so many bytes; none at the end of the stream; `Broken` where it ends in between.

        The peer may send on as far as something was read.
        """
        while len(self._held) < size:
            if not self._arrived:
                if self._over:
                    if self._held:
                        raise Broken("the stream ends within a message")
                    return b""
                self._grown.clear()
                await self._grown.wait()
                continue
            data, ack_size = self._arrived.pop(0)
            self._held += data
            self._ack(ack_size)
        data = bytes(memoryview(self._held)[:size])
        del self._held[:size]
        return data

    def unacked_size(self) -> int:
        """Forget what nobody will read; return what it counted in the window."""
        size = sum(ack_size for _, ack_size in self._arrived)
        self._arrived.clear()
        return size


class Processor(EventsProcessor):
    """Hands the events of a connection on; those that grpclib has no place for are let be."""

    def register(self, stream: Stream) -> Callable[[], None]:
        """Give a stream its inbox."""
        if stream.id is not None:
            stream.buffer = Inbox(partial(self.connection.ack, stream.id))
        return super().register(stream)

    def process(self, event: Event) -> None:
        """Process an event, if it is one that means something here."""
        if event.__class__ in getattr(self, "processors", {}):
            super().process(event)

    def process_data_received(self, event: DataReceived) -> None:
        """Take data; an empty frame is nothing, and would not count in any window."""
        if event.flow_controlled_length:
            super().process_data_received(event)


class Wire(H2Protocol):
    """One connection, from either side."""

    def __init__(self, handler: AbstractHandler, config: H2Configuration) -> None:
        super().__init__(handler, CONFIG.__for_server__(), config)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the other side."""
        super().connection_made(transport)
        self.processor = Processor(self.handler, self.connection)

    def data_received(self, data: bytes) -> None:
        """Take what came; whoever breaks the protocol is told so, and is hung up on."""
        try:
            super().data_received(data)
        except ProtocolError:
            # Of an answer to what came, such as a window that is full beyond its end.
            self.processor.close("Protocol error")
