"""One call as the server has it: messages in, within their bounds; messages and a status out."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

from grpclib.protocol import Stream
from h2.exceptions import ProtocolError

from meeting.kernel.errors import Fault, Kind
from meeting.transports.grpc.codec import Malformed
from meeting.transports.grpc.faults import trailers
from meeting.transports.grpc.wire import Broken, Headers
from meeting.transports.http.body import Room

PREFIX = struct.Struct(">BI")
"""What stands before each message: whether it is compressed, and its length."""
END_SECONDS = 5.0
"""How long a caller who takes nothing may keep us from telling how the call ended."""
OK: Headers = [("grpc-status", "0")]
HEAD: Headers = [(":status", "200"), ("content-type", "application/grpc")]


async def receive(stream: Stream, limit: int, room: Room | None = None) -> bytes | None:
    """Read a message; None at the end. What it may not be is known before any of it is kept."""
    try:
        return await _receive(stream, limit, room)
    except Broken as error:
        raise Malformed(str(error)) from error


async def _receive(stream: Stream, limit: int, room: Room | None) -> bytes | None:
    head = await stream.recv_data(PREFIX.size)
    if not head:
        return None
    compressed, size = PREFIX.unpack(head)
    if compressed:
        raise Fault(Kind.METHOD_NOT_ALLOWED, "compressed messages are not taken; send them plain")
    if size > limit:
        raise Fault(
            Kind.TOO_LARGE,
            "a message may have {limit} bytes",
            details={"message": f"at most {limit} bytes"},
            limit=limit,
        )
    if room is not None:
        room.clear()
        room.take(size)
    data = await stream.recv_data(size) if size else b""
    if len(data) < size:
        raise Broken("the stream ends within a message")
    return data


def framed(data: bytes) -> bytes:
    """Put a message into its frame."""
    return PREFIX.pack(0, len(data)) + data


class Exchange:
    """What has been said on a stream, and what is known of the call."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._begun = False
        self.endless = False
        """Nobody waits for its end."""
        self.told = False
        """It has to end now, because the server does."""

    async def messages(
        self, decode: Callable[[bytes], Any], limit: int, room: Room
    ) -> AsyncIterator[Any]:
        """Read messages until the caller has no more."""
        while (data := await receive(self._stream, limit, room)) is not None:
            yield decode(data)

    async def send(self, data: bytes) -> None:
        """Send a message; waits while the caller takes none."""
        await self.begin()
        await self._stream.send_data(framed(data))

    async def begin(self) -> None:
        """Send the head of the answer, once."""
        if not self._begun:
            self._begun = True
            await self._stream.send_headers(HEAD)

    async def end(self, fault: Fault | None) -> None:
        """Say how the call ended, if anybody is there to hear it."""
        said = OK if fault is None else trailers(fault)
        await self._last(said if self._begun else [*HEAD, *said])

    async def refuse(self, status: int) -> None:
        """Answer a request that is no gRPC."""
        await self._last([(":status", str(status))])

    async def _last(self, headers: Headers) -> None:
        with suppress(ProtocolError, TimeoutError):  # who is not there any more is not told
            async with asyncio.timeout(END_SECONDS):
                await self._stream.send_headers(headers, end_stream=True)
        with suppress(ProtocolError):
            if self._stream.closable:
                self._stream.reset_nowait()  # of what the caller still sends nothing is wanted
