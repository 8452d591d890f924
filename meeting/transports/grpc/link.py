"""One connection to a server, and the calls on it."""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from grpclib.protocol import AbstractHandler, Stream
from grpclib.utils import Wrapper
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.exceptions import ProtocolError

from meeting.transports.grpc.exchange import framed, receive
from meeting.transports.grpc.inbox import Inbox, Lost
from meeting.transports.grpc.wire import Headers, Wire, decoded, first


class _Nobody(AbstractHandler):
    """Takes no calls: a client makes them."""

    def accept(self, stream: Stream, headers: Any, release_stream: Callable[[], None]) -> None:
        """Take none."""
        release_stream()

    def cancel(self, stream: Stream) -> None:
        """Know of none."""

    def close(self) -> None:
        """End none."""


class _Ending(Wrapper):
    """Wakes whoever waits on a stream when it is gone; grpclib's own cancels their task instead.

    A task that was cancelled so would not know its own timeouts any more.
    """

    stream: Stream
    side: H2Connection

    def cancel(self, error: Exception) -> None:
        """Wake them."""
        stream = self.stream
        # h2 forgets what has ended when it counts. Else its window of none would be waited for.
        _ = self.side.open_outbound_streams
        for event in (stream.headers_received, stream.trailers_received, stream.window_updated):
            event.set()
        if isinstance(inbox := getattr(stream, "buffer", None), Inbox):
            inbox.lose(str(error))


class Link(Wire):
    """Connected until `alive` says otherwise."""

    def __init__(self) -> None:
        super().__init__(_Nobody(), client=True)

    @property
    def alive(self) -> bool:
        """Tell whether it is of use for another call."""
        return self.greeted.is_set() and not self.connection.is_closing() and not self._spent

    @property
    def _spent(self) -> bool:
        """Tell whether it has no number left for another call, which takes two thousand million."""
        return self.side.highest_outbound_stream_id + 2 > self.side.HIGHEST_ALLOWED_STREAM_ID

    async def call(self, headers: Headers, data: bytes, limit: int) -> tuple[bytes, dict[str, str]]:
        """Send one message; return the answer and how the call ended. `Lost` where nobody said."""
        await self._room()
        ending = _Ending()
        ending.side = self.side
        stream = ending.stream = self.connection.create_stream(wrapper=ending)
        release = await stream.send_request(headers, _processor=self.processor)
        try:
            # A server that refuses does so before it has read all, and may be gone by then.
            with suppress(ProtocolError, Lost):
                await stream.send_data(framed(data), end_stream=True)
            return await _answer(stream, limit)
        finally:
            with suppress(ProtocolError):
                if stream.closable:
                    stream.reset_nowait(ErrorCodes.CANCEL)
            release()
            if self._spent and not self.processor.streams:
                self.leave()

    async def _room(self) -> None:
        """Wait until another call may begin; grpclib would wait on where the connection ends."""
        line = self.connection
        while True:
            await line.write_ready.wait()
            if not self.alive:
                raise Lost("it went away")
            if len(self.processor.streams) < self.side.remote_settings.max_concurrent_streams:
                return
            line.stream_close_waiter.clear()
            await line.stream_close_waiter.wait()


async def connect(host: str, port: int, tls: ssl.SSLContext | None, seconds: float) -> Link:
    """Connect, and hear the server's greeting: one that only accepts is of no use to anybody."""
    async with asyncio.timeout(seconds):
        _, link = await asyncio.get_running_loop().create_connection(Link, host, port, ssl=tls)
        try:
            await link.greeted.wait()
        except asyncio.CancelledError:
            link.leave()
            raise
    if not link.alive:
        raise Lost("it hung up")
    return link


async def _answer(stream: Stream, limit: int) -> tuple[bytes, dict[str, str]]:
    await stream.headers_received.wait()
    if stream.headers is None:
        raise Lost("it went away")
    head = first(decoded(stream.headers))
    if head.get(":status") != "200":
        raise Lost(f"it answers with the HTTP status {head.get(':status')}")
    if "grpc-status" in head:
        return b"", head
    data = await receive(stream, limit)
    if data is not None and await receive(stream, limit) is not None:
        raise Lost("it answers more than once")
    await stream.trailers_received.wait()
    if stream.trailers is None:
        raise Lost("it went away")
    return data or b"", first(decoded(stream.trailers))
