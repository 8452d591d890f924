"""One connection to the gateway: bounds each head, and holds WebSocket clients to their masks."""

import asyncio
from collections.abc import Callable

from aiohttp import web

from meeting.transports.websocket.masks import Line

END = b"\r\n\r\n"


class Threshold(Line):
    """Counts what comes before the head of a request is complete; `refusal` is said to too much.

    The parser bounds each line and their number, which together is far more than any head needs.
    """

    def __init__(
        self, server: asyncio.Protocol, longest: int, refusal: Callable[[], bytes]
    ) -> None:
        super().__init__(server)
        self._longest = longest
        self._refusal = refusal
        self._size = 0
        self._tail = b""
        self._within = True

    def answered(self) -> None:
        """Expect the next head."""
        self._size = 0
        self._tail = b""
        self._within = True

    def data_received(self, data: bytes) -> None:
        """Hand bytes on, unless they make a head too long."""
        if self._within:
            part = self._tail + data
            at = part.find(END)
            self._within = at < 0
            self._size += len(data) if at < 0 else at
            self._tail = part[1 - len(END) :]
            if self._size > self._longest and not self._ended:
                self._ended = True
                self._transport.write(self._refusal())
                self._transport.close()
        super().data_received(data)


def threshold(request: web.BaseRequest) -> Threshold | None:
    """Return what reads the connection of a request; None where the client has gone."""
    line = None if request.transport is None else request.transport.get_protocol()
    return line if isinstance(line, Threshold) else None
