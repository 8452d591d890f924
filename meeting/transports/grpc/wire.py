"""HTTP/2 by grpclib, and what it leaves open: bounds, empty frames, frames that nobody knows."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Any, cast

from grpclib.protocol import AbstractHandler, EventsProcessor, H2Protocol, Stream
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.events import Event
from h2.exceptions import ProtocolError
from h2.settings import SettingCodes, Settings
from hpack import Encoder, NeverIndexedHeaderTuple
from hyperframe.frame import GoAwayFrame

from meeting.transports.grpc.inbox import Inbox
from meeting.transports.grpc.line import CONFIG, Line

STREAM_WINDOW = 2**20
"""Bytes that a peer may send ahead of whoever reads a stream: ten seconds of audio."""
WINDOW = 16 * STREAM_WINDOW
"""And on a whole connection: a stream that nobody reads stops no other."""
OWED_BYTES = 2**20
"""What of our answers to its frames a peer may leave untaken, beyond what a writer holds."""
HEAD_BYTES = 64 * 2**10
STREAMS = 100
LEAVE_SECONDS = 1.0

Header = tuple[str, str]
Headers = list[Header]


class Plain(Encoder):
    """Writes headers without Huffman's code, which takes longer than the bytes that it saves."""

    def encode(self, headers: Any, huffman: bool = False) -> bytes:
        """Write a block of headers."""
        return super().encode(headers, huffman=huffman)


class Processor(EventsProcessor):
    """Hands the events of a connection on; those that grpclib has no place for are let be."""

    _closed = False

    def register(self, stream: Stream) -> Callable[[], None]:
        """Give a stream its inbox."""
        stream.buffer = Inbox(partial(self.connection.ack, cast("int", stream.id)))
        return super().register(stream)

    def close(self, reason: str = "the connection was closed") -> None:
        """End all calls, once: what they do to end well is not cut off by a second word."""
        if not self._closed:
            self._closed = True
            super().close(reason)

    def process(self, event: Event) -> None:
        """Process an event, if it is one that means something here."""
        if event.__class__ in getattr(self, "processors", {}):
            super().process(event)


class Wire(H2Protocol):
    """One connection, from either side; `streams` is how many calls the other may have open."""

    def __init__(
        self, handler: AbstractHandler, *, client: bool = False, streams: int = STREAMS
    ) -> None:
        config = H2Configuration(
            client_side=client,
            header_encoding=None,
            # What is sent is ours. What comes is looked at where anybody may have sent it.
            normalize_outbound_headers=False,
            validate_outbound_headers=False,
            validate_inbound_headers=not client,
        )
        super().__init__(handler, CONFIG, config)
        self._streams = streams
        self.greeted = asyncio.Event()
        """Set once the other side has said anything, or is gone."""
        self.heard = 0.0
        """When it last did, on the loop's clock."""
        self._gone = asyncio.Event()
        self._owed = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Greet the other side, and say what bounds it has to keep."""
        side = H2Connection(config=self.h2_config)
        bounds = {
            SettingCodes.INITIAL_WINDOW_SIZE: STREAM_WINDOW,
            SettingCodes.MAX_CONCURRENT_STREAMS: self._streams,
            SettingCodes.MAX_HEADER_LIST_SIZE: HEAD_BYTES,
        }
        if self.h2_config.client_side:
            bounds[SettingCodes.ENABLE_PUSH] = 0
        side.local_settings = Settings(client=self.h2_config.client_side, initial_values=bounds)
        side.encoder = Plain()
        side.decoder.max_header_list_size = HEAD_BYTES
        side.initiate_connection()
        side.increment_flow_control_window(WINDOW - 65_535)
        self.side = side
        self.transport = cast("asyncio.Transport", transport)
        self.connection = Line(side, self.transport, self._ended)
        self.processor = Processor(self.handler, self.connection)
        self.connection.flush()
        self.connection.initialize()

    def data_received(self, data: bytes) -> None:
        """Take what came; whoever breaks the protocol is told so, and is hung up on."""
        if self.connection.is_closing():
            return
        try:
            for event in self.connection.feed(data):
                self.processor.process(event)
            self.heard = asyncio.get_running_loop().time()
            self.greeted.set()
        except ProtocolError:
            self._say()
            self.processor.close("the peer broke the protocol")
        else:
            self._say()

    def connection_lost(self, exc: BaseException | None) -> None:
        """End what was open."""
        super().connection_lost(exc)
        self.greeted.set()
        self._gone.set()

    def eof_received(self) -> None:
        """Take the end of what the other side sends for the end of the connection."""

    def leave(self) -> None:
        """Hang up, with a word: nothing that came by then was left undone."""
        if not self.connection.is_closing():
            # By hand: of h2 it would be the end of the streams that are still open.
            frame = GoAwayFrame(stream_id=0, last_stream_id=2**31 - 1)
            self.transport.write(frame.serialize())
        self.processor.close("the connection was closed")

    async def left(self) -> None:
        """Hang up, and wait until it is done; who does not take our last word goes without it."""
        self.leave()
        try:
            async with asyncio.timeout(LEAVE_SECONDS):
                await self._gone.wait()
        except TimeoutError:
            self.transport.abort()

    def _ended(self) -> None:
        """End the calls of a line that has ended by itself: of a peer that is silent, say."""
        self.processor.close("the connection has ended")

    def _say(self) -> None:
        if self.connection.is_closing():
            return
        before = self.transport.get_write_buffer_size()
        self.connection.flush()
        if self.connection.write_ready.is_set():
            self._owed = 0
            return
        # Answers wait for nobody, as messages do: who asks on and takes nothing is left.
        self._owed += self.transport.get_write_buffer_size() - before
        if self._owed > OWED_BYTES:
            self.transport.abort()


def once(name: str, value: str) -> Header:
    """Make a header that is like no other: to remember it would push out what comes again."""
    return cast("Header", NeverIndexedHeaderTuple(name, value))


def decoded(headers: object) -> Headers:
    """Return headers as texts; what is no ASCII is kept as it can be, and fits nowhere."""
    pairs = cast("list[tuple[bytes, bytes]]", headers)
    return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in pairs]


def first(headers: Headers) -> dict[str, str]:
    """Return headers by name; of several with one name the first."""
    return dict(reversed(headers))
