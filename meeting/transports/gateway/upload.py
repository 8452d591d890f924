"""The body of a request on its way to an owner: never more of it here than one part."""

import asyncio

from aiohttp import ClientPayloadError, web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.payload import Payload

from meeting.kernel.errors import Fault, Kind
from meeting.transports.http.body import too_large

PART = 64 * 2**10
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Upload:
    """Reads one body within its `limit`; a client that `expects` it is told when to send."""

    def __init__(self, request: web.BaseRequest, limit: int, *, expects: bool) -> None:
        self._request = request
        self._limit = limit
        self._size = 0
        self._expects = expects
        self._reading = asyncio.Lock()
        self._stopped = False
        self.finished = not request.can_read_body
        """Whether the body was read to its end."""
        self.fault: Fault | None = None
        """What is wrong with the body, once that is known."""

    def wanted(self) -> None:
        """Tell the client to send; the owner waits for it, or it would have answered by now."""
        if self._expects and self._request.transport is not None:
            self._request.transport.write(CONTINUE)

    async def part(self) -> bytes:
        """Return the next part, empty at the end; what is wrong with it is a `Fault`."""
        async with self._reading:
            if self._stopped:
                raise asyncio.CancelledError
            try:
                part = await self._request.content.read(PART)
            except (OSError, ClientPayloadError, HttpProcessingError) as error:
                self.fault = Fault(Kind.VALIDATION, "the body never came to its end")
                raise self.fault from error
            self._size += len(part)
            if self._size > self._limit:
                self.fault = too_large(self._limit)
                raise self.fault
            self.finished = not part
            return part

    async def stop(self) -> None:
        """Wait until nobody reads the body for an owner any more; what is left of it stays."""
        self._stopped = True
        async with self._reading:
            pass


class Flow(Payload):
    """An upload as the library sends it: the head at once, each part when the last has left.

    Left to itself the library holds the head back until there is a part, and an owner that would
    refuse the request has to wait for a client that may never send one.
    """

    _value: Upload

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Send all parts."""
        writer.send_headers()
        self._value.wanted()
        while part := await self._value.part():
            await writer.write(part)

    async def write_with_length(
        self, writer: AbstractStreamWriter, content_length: int | None
    ) -> None:
        """Send all parts; the parser has seen to it that they are as long as was said."""
        await self.write(writer)

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Refuse: a body that passes through is never held as a whole."""
        raise TypeError("a body on its way can't be decoded")
