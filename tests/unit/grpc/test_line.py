"""One connection as a client has it, without a network: what is done once it is gone."""

import asyncio
from typing import Any, cast

import pytest
from h2.config import H2Configuration
from h2.connection import H2Connection

from meeting.transports.grpc.exchange import framed
from meeting.transports.grpc.inbox import Lost
from meeting.transports.grpc.link import Link
from meeting.transports.grpc.wire import Headers

ASK: Headers = [
    (":method", "POST"),
    (":scheme", "http"),
    (":path", "/a/B"),
    (":authority", "here"),
    ("te", "trailers"),
]
LIMIT = 2**24


class Pipe:
    """A transport that keeps what is written; like the loop's own it takes nothing once closed."""

    def __init__(self) -> None:
        self.written = bytearray()
        self.closed = False

    def write(self, data: bytes) -> None:
        """Keep it."""
        if self.closed:
            raise RuntimeError("the handler is closed")
        self.written += data

    def close(self) -> None:
        """Take nothing any more."""
        self.closed = True

    def is_closing(self) -> bool:
        """Tell whether that was said."""
        return self.closed

    def get_write_buffer_size(self) -> int:
        """Have everything sent at once."""
        return 0

    def get_extra_info(self, _name: str) -> Any:
        """Know nothing else."""
        return None


class Server:
    """The other side, by h2 alone."""

    def __init__(self, link: Link, pipe: Pipe) -> None:
        self._link = link
        self._pipe = pipe
        self.side = H2Connection(H2Configuration(client_side=False))
        self.side.initiate_connection()
        self.turn()

    def turn(self) -> None:
        """Read what the client wrote, and have it read all that there is to say, in one piece."""
        read = bytes(self._pipe.written)
        self._pipe.written.clear()
        if read:
            self.side.receive_data(read)
        if said := self.side.data_to_send():
            self._link.data_received(said)


@pytest.fixture
async def link() -> Link:
    """A connection that has been greeted."""
    made = Link()
    made.connection_made(cast("asyncio.Transport", Pipe()))
    return made


@pytest.fixture
async def server(link: Link) -> Server:
    """Who greeted it."""
    return Server(link, cast("Pipe", link.transport))


async def begun(link: Link) -> "asyncio.Task[tuple[bytes, dict[str, str]]]":
    """Begin a call and let it go as far as it gets."""
    task = asyncio.create_task(link.call(ASK, b"asked", LIMIT))
    for _ in range(3):
        await asyncio.sleep(0)
    return task


async def test_an_answer_with_the_last_word(link: Link, server: Server) -> None:
    """An answer that came whole before its server hung up is read to its end."""
    answer = framed(b"a" * 900_000)
    call = await begun(link)
    server.turn()
    server.side.send_headers(1, [(":status", "200")])
    for start in range(0, len(answer), 16_000):
        server.side.send_data(1, answer[start : start + 16_000])
    server.side.send_headers(1, [("grpc-status", "0")], end_stream=True)
    server.side.close_connection()
    server.turn()
    assert not link.alive
    assert await call == (answer[5:], {"grpc-status": "0"})


async def test_a_call_on_what_is_gone(link: Link, server: Server) -> None:
    """A call that begins on a connection that has ended is lost, and none hangs on it."""
    link.transport.close()
    assert not link.alive
    with pytest.raises(Lost):
        await (await begun(link))


@pytest.mark.parametrize("paused", [True, False])
async def test_a_call_that_waits_as_it_goes(link: Link, server: Server, *, paused: bool) -> None:
    """Who waits for room to write, or for another call's end, hears that the connection is gone."""
    server.side.update_settings({3: 1})
    server.turn()
    if paused:
        link.pause_writing()
    first, second = await begun(link), await begun(link)
    assert not second.done()
    link.transport.close()
    link.connection_lost(None)
    for call in (first, second):
        with pytest.raises(Lost):
            await asyncio.wait_for(call, 5)


async def left(link: Link, _server: Server) -> None:
    """Hang up here."""
    link.leave()


async def cut(link: Link, _server: Server) -> None:
    """Lose the network."""
    link.transport.close()
    link.connection_lost(None)


async def dropped(_link: Link, server: Server) -> None:
    """Have the server hang up."""
    server.side.close_connection()
    server.turn()


async def silent(link: Link, _server: Server) -> None:
    """Have the keepalive find that nobody answers, as grpclib's timer does."""
    link.connection.close()


@pytest.mark.parametrize("end", [left, cut, dropped, silent])
async def test_a_large_request_as_it_goes(link: Link, server: Server, end: Any) -> None:
    """Who waits for the other side's window hears at once that the connection is gone."""
    call = asyncio.create_task(link.call(ASK, b"a" * 500_000, LIMIT))
    await asyncio.sleep(0)
    server.turn()
    await asyncio.sleep(0)
    assert not call.done()
    await end(link, server)
    with pytest.raises(Lost):
        await asyncio.wait_for(call, 5)


async def test_calls_are_ended_once(link: Link, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is said of the end of a connection, its calls hear of it one time."""
    told: list[bool] = []
    monkeypatch.setattr(link.handler, "close", lambda: told.append(True))
    link.leave()
    link.connection_lost(None)
    assert told == [True]


async def test_numbers_run_out(link: Link, server: Server) -> None:
    """The last call of a connection ends well, and then it is left for another one."""
    link.side.highest_outbound_stream_id = link.side.HIGHEST_ALLOWED_STREAM_ID - 2
    call = await begun(link)
    assert not link.alive
    server.turn()
    number = link.side.HIGHEST_ALLOWED_STREAM_ID
    server.side.send_headers(number, [(":status", "200"), ("grpc-status", "5")], end_stream=True)
    server.turn()
    assert (await call)[1]["grpc-status"] == "5"
    assert link.transport.is_closing()


async def test_what_is_sent_into_what_is_gone(link: Link, server: Server) -> None:
    """A stream's writes say that the connection is gone, whichever loop it is of."""
    stream = link.connection.create_stream()
    await stream.send_request(ASK, _processor=link.processor)
    link.transport.close()
    with pytest.raises(Lost):
        await stream.send_data(b"a", end_stream=True)
    link.connection.flush()
    link.connection.ack(1, 10)
