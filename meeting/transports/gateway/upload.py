"""The body of a request on its way to an owner: never more of it here than one part."""

import asyncio
from collections.abc import AsyncIterator

from aiohttp import ClientPayloadError, web
from aiohttp.http_exceptions import HttpProcessingError

from meeting.kernel.errors import Fault, Kind
from meeting.transports.http.body import too_large

PART = 64 * 2**10
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class Upload:
    """Reads one body within its `limit`; a client that `expects` it is told when to send."""

    def __init__(self, request: web.BaseRequest, limit: int, *, expects: bool) -> None:
        self._request = request
        self._limit = limit
        self._expects = expects
        self._reading = asyncio.Lock()
        self._stopped = False
        self.finished = not request.can_read_body
        """Whether the body was read to its end."""
        self.fault: Fault | None = None
        """What is wrong with the body, once that is known."""

    async def parts(self) -> AsyncIterator[bytes]:
        """Yield the body; whoever sends it on takes the next part when the last one has left."""
        if self._expects and self._request.transport is not None:
            # The owner wants the body, or it would have answered by now.
            self._request.transport.write(CONTINUE)
        size = 0
        while part := await self._read():
            size += len(part)
            if size > self._limit:
                self.fault = too_large(self._limit)
                raise self.fault
            yield part
        self.finished = True

    async def stop(self) -> None:
        """Wait until nobody reads the body for an owner any more; what is left of it stays."""
        self._stopped = True
        async with self._reading:
            pass

    async def _read(self) -> bytes:
        async with self._reading:
            if self._stopped:
                raise asyncio.CancelledError
            try:
                return await self._request.content.read(PART)
            except (OSError, ClientPayloadError, HttpProcessingError) as error:
                self.fault = Fault(Kind.VALIDATION, "the body never came to its end")
                raise self.fault from error
