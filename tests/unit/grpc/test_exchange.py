"""What a caller is told, whatever kept it from being told sooner."""

import asyncio
from typing import Any, cast

import pytest
from grpclib.protocol import Stream

from meeting.kernel.errors import Fault, Kind
from meeting.transports.grpc.exchange import Exchange
from meeting.transports.grpc.wire import Headers


class Slow:
    """A stream in which there is no room to write until `room` is set."""

    closable = False

    def __init__(self) -> None:
        self.room = asyncio.Event()
        self.sent: list[Headers] = []

    async def send_headers(self, headers: Headers, **_end: Any) -> None:
        """Send once there is room."""
        await self.room.wait()
        self.sent.append(headers)


async def test_an_answer_that_could_not_begin() -> None:
    """A call that ends before the head of its answer was sent is told so with a head."""
    stream = Slow()
    exchange = Exchange(cast("Stream", stream))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(exchange.send(b"a"), 0.01)
    stream.room.set()
    await exchange.end(Fault(Kind.DEADLINE, "too late"))
    (sent,) = stream.sent
    assert sent[0] == (":status", "200")
    assert dict(sent)["grpc-status"] == "4"
