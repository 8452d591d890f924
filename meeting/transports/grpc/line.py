"""What is written to one connection; once that is gone it is told as `Lost`, and nobody waits on.

grpclib writes into its transport as it was when a call began, and waits for room in it. Of a
connection that went meanwhile, a loop's own transports raise accidents or say nothing at all.
"""

import asyncio
from collections.abc import Callable
from typing import cast

from grpclib.config import Configuration
from grpclib.protocol import Connection
from h2.connection import H2Connection

from meeting.transports.grpc.inbox import Lost

CONFIG = Configuration(
    # A peer that is gone without a word is found out while a call is open.
    _keepalive_time=20.0,
    _keepalive_timeout=10.0,
    _http2_max_pings_without_data=0,
    _http2_min_sent_ping_interval_without_data=10.0,
).__for_server__()


class _Exit:
    """The transport as grpclib uses it."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        self.close = transport.close
        self.is_closing = transport.is_closing
        self.get_extra_info = transport.get_extra_info

    def write(self, data: bytes) -> None:
        """Send on, or raise `Lost`."""
        if self._transport.is_closing():
            raise Lost("it went away")
        self._transport.write(data)


class Line(Connection):
    """Knows of its end, however that came."""

    def __init__(
        self, side: H2Connection, transport: asyncio.Transport, ended: Callable[[], None]
    ) -> None:
        super().__init__(side, cast("asyncio.Transport", _Exit(transport)), config=CONFIG)
        self._ended = ended

    def flush(self) -> None:
        """Send what h2 has to say, if anybody is there: what arrived before the end is read on."""
        if not self.is_closing():
            super().flush()

    def close(self) -> None:
        """Hang up, and wake whoever waits for room to write or for another call's end.

        Without the streams, of which h2 would say for ever that their windows are full.
        """
        super().close()
        self._connection.streams.clear()
        self.write_ready.set()
        self.stream_close_waiter.set()
        self._ended()
