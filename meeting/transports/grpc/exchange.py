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
from meeting.transports.grpc.inbox import Broken, Lost
from meeting.transports.grpc.wire import Headers
from meeting.transports.http.body import Room

PREFIX = struct.Struct(">BI")
"""What stands before each message: whether it is compressed, and its length."""
END_SECONDS = 5.0
"""How long a caller who takes nothing may keep us from telling how the call ended."""
READ_SECONDS = 60.0
"""How long a message may take to arrive once its prefix has."""
IDLE_SECONDS = 60.0
"""How long nobody's call may wait for its next message."""
SEND_SECONDS = 60.0
"""How long a caller may take to make room for one answer."""
PIECE = 64 * 2**10
"""So much of a message is waited for, and then counted, at once."""
OK: Headers = [("grpc-status", "0")]
HEAD: Headers = [(":status", "200"), ("content-type", "application/grpc")]


async def receive(
    stream: Stream, limit: int, room: Room | None = None, idle: float | None = None
) -> bytes | None:
    """Read a message; None at the end. What it may not be is known before any of it is kept.

    One that does not begin within `idle` seconds, or takes too long to arrive, is `deadline`.
    """
    try:
        async with asyncio.timeout(idle):
            head = await stream.recv_data(PREFIX.size)
        if not head:
            return None
        size = _announced(head, limit)
        if room is not None:
            room.clear()
        async with asyncio.timeout(READ_SECONDS):
            return await _body(stream, size, room)
    except TimeoutError as error:
        raise Fault(Kind.DEADLINE, "the message took too long to arrive") from error
    except Broken as error:
        raise Malformed(str(error)) from error


def _announced(head: bytes, limit: int) -> int:
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
    return int(size)


async def _body(stream: Stream, size: int, room: Room | None) -> bytes:
    """Read so many bytes, each counted when it is here: to announce them takes nothing."""
    parts: list[bytes] = []
    while size:
        part = await stream.recv_data(min(size, PIECE))
        if not part:
            raise Broken("the stream ends within a message")
        if room is not None:
            room.take(len(part))
        parts.append(part)
        size -= len(part)
    return parts[0] if len(parts) == 1 else b"".join(parts)


def framed(data: bytes) -> bytes:
    """Put a message into its frame."""
    return PREFIX.pack(0, len(data)) + data


class Exchange:
    """What has been said on a stream, and what is known of the call."""

    def __init__(self, stream: Stream, watching: Callable[[], int] = lambda: 0) -> None:
        self._stream = stream
        self.watching = watching
        """Tells how many endless calls there are on the connection, with this one."""
        self._begun = False
        self.endless = False
        """Nobody waits for its end."""
        self.nobodys = False
        """It is endless, and of somebody who is no service: it keeps no connection."""
        self.told = False
        """It has to end now, because the server does."""

    async def messages(
        self, decode: Callable[[bytes], Any], limit: int, room: Room, idle: float | None
    ) -> AsyncIterator[Any]:
        """Read messages until the caller has no more."""
        while (data := await receive(self._stream, limit, room, idle)) is not None:
            yield decode(data)

    async def send(self, data: bytes) -> None:
        """Send a message; waits while the caller takes none."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._begin()
                await self._stream.send_data(framed(data))
        except TimeoutError as error:
            raise Fault(Kind.DEADLINE, "the answer was not taken in time") from error

    async def begin(self) -> None:
        """Send the head of the answer, once."""
        try:
            async with asyncio.timeout(SEND_SECONDS):
                await self._begin()
        except TimeoutError as error:
            raise Fault(Kind.DEADLINE, "the answer was not taken in time") from error

    async def _begin(self) -> None:
        if not self._begun:
            await self._stream.send_headers(HEAD)
            self._begun = True  # not before: it may have to wait, and be ended meanwhile

    async def end(self, fault: Fault | None) -> None:
        """Say how the call ended, if anybody is there to hear it."""
        said = OK if fault is None else trailers(fault)
        await self._last(said if self._begun else [*HEAD, *said])

    async def refuse(self, status: int) -> None:
        """Answer a request that is no gRPC."""
        await self._last([(":status", str(status))])

    async def _last(self, headers: Headers) -> None:
        with suppress(ProtocolError, Lost, TimeoutError):  # who is not there any more is not told
            async with asyncio.timeout(END_SECONDS):
                await self._stream.send_headers(headers, end_stream=True)
        with suppress(ProtocolError):
            if self._stream.closable:
                self._stream.reset_nowait()  # of what the caller still sends nothing is wanted
