"""What a gRPC port does not let anybody do: too much, too long, or what is no gRPC."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import msgspec
import pytest
from hyperframe.frame import DataFrame

from meeting.kernel.call import Call
from meeting.transports.grpc import user
from meeting.transports.grpc.exchange import framed
from meeting.transports.grpc.messages.grpc import GetUserResponse
from meeting.transports.grpc.server import Port, Quiet
from meeting.transports.grpc.service import Rpc
from meeting.transports.http.body import Store
from meeting.transports.listening import BindError
from tests.front import Front, front
from tests.integration.grpc.raw import raw
from tests.integration.grpc.world import SERVICE, desk, port, stub

TOKEN = framed(b"\x0a\x03abc")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Front]:
    """The user domain."""
    async with front(tmp_path) as opened:
        yield opened


class Slow:
    """A call that goes on until it is cancelled or let go, and tells which."""

    def __init__(self, house: Front) -> None:
        self.begun = asyncio.Event()
        self.go = asyncio.Event()
        self.cancelled = asyncio.Event()
        self._house = house

    @property
    def rpcs(self) -> list[Rpc]:
        """UserService, whose GetUser is slow."""
        return [
            msgspec.structs.replace(rpc, act=self._act) if rpc.path.endswith("GetUser") else rpc
            for rpc in user.served(self._house.service)
        ]

    async def _act(self, call: Call, asked: Any) -> Any:
        self.begun.set()
        try:
            await self.go.wait()
        except asyncio.CancelledError:
            self.cancelled.set()
            raise
        return GetUserResponse(id=7)


async def test_a_long_message_is_refused_by_its_length(house: Front) -> None:
    """Of a message over the limit nothing but its length is read."""
    async with port(house, message_bytes=100) as opened, raw(opened) as client:
        stream = client.open()
        client.send(stream, (101).to_bytes(5))
        assert (await client.until_over(stream))["grpc-status"] == "8"
        stream = client.open()
        client.send(stream, framed(b"\x0a\x62" + b"a" * 98), end=True)
        assert (await client.until_over(stream))["grpc-status"] == "0"


async def test_all_messages_together_have_a_bound(house: Front) -> None:
    """While others hold the memory there is, a call is told to come again."""
    slow = Slow(house)
    async with port(house, slow.rpcs, bodies=Store(100)) as opened, stub(opened) as client:
        first = asyncio.create_task(client.call("UserService/GetUser", SERVICE, user_id=1))
        await slow.begun.wait()
        refused = await client.refused("UserService/ValidateToken", token="a" * 97)
        assert refused[0] == "RESOURCE_EXHAUSTED"
        slow.go.set()
        assert (await first).id == 7
        assert (await client.refused("UserService/ValidateToken", token="a" * 97))[0] == "OK"


async def test_compressed_messages_are_unimplemented(house: Front) -> None:
    """A client that compresses hears that it may not."""
    async with port(house) as opened:
        address = f"127.0.0.1:{opened.port}"
        async with grpc.aio.insecure_channel(address, compression=grpc.Compression.Gzip) as channel:
            asking: Any = channel.unary_unary("/grpc.UserService/ValidateToken")
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await asking(b"\x0a\x7f" + b"a" * 127)
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_streams_have_a_bound(house: Front) -> None:
    """A client is told how many calls it may have open; who opens more is hung up on."""
    slow = Slow(house)
    async with port(house, slow.rpcs, streams=2) as opened, raw(opened) as client:
        await client.hear()
        assert client.h2.remote_settings.max_concurrent_streams == 2
        client.h2.remote_settings.update({3: 100})  # as one who did not listen
        client.h2.remote_settings.acknowledge()
        for _ in range(3):
            client.send(client.open(), TOKEN)
        await client.until_gone()
        async with stub(opened) as other:
            assert (await other.refused("UserService/ValidateToken"))[0] == "OK"


async def test_connections_have_a_bound(house: Front) -> None:
    """Who comes when there is no room is hung up on; who is in is served on."""
    async with port(house, connections=1) as opened, raw(opened) as client:
        await client.hear()
        with pytest.raises(ConnectionError):
            async with raw(opened) as other:
                await other.until_gone()
                raise ConnectionResetError  # it may have been told so politely
        stream = client.open()
        client.send(stream, TOKEN, end=True)
        assert (await client.until_over(stream))["grpc-status"] == "0"


async def test_a_head_has_a_bound(house: Front) -> None:
    """Headers that are too long end their connection, and nobody else's."""
    async with port(house) as opened, raw(opened) as client, stub(opened) as other:
        client.open(x_long="a" * 70_000)
        await client.until_gone()
        assert (await other.refused("UserService/ValidateToken"))[0] == "OK"


@pytest.mark.parametrize("quiet", [Quiet(hello=0.05), Quiet(idle=0.05)])
async def test_silence_is_hung_up_on(house: Front, quiet: Quiet) -> None:
    """A connection without a call is ended, be it from the beginning or after one."""
    async with port(house, quiet=quiet) as opened, raw(opened) as client:
        if quiet.hello > 1:
            stream = client.open()
            client.send(stream, TOKEN, end=True)
            assert (await client.until_over(stream))["grpc-status"] == "0"
        await client.until_gone()


async def test_an_open_call_is_no_silence(house: Front) -> None:
    """A connection on which somebody waits for an answer stays."""
    slow = Slow(house)
    quiet = Quiet(hello=0.01, idle=0.01)
    async with port(house, slow.rpcs, quiet=quiet) as opened, stub(opened) as client:
        asked = asyncio.create_task(client.call("UserService/GetUser", SERVICE, user_id=1))
        await slow.begun.wait()
        (guest,) = opened.guests
        looks: set[object] = set()
        async with asyncio.timeout(5):
            while len(looks) < 5:  # many times as long as the silence that is allowed
                looks.add(guest._timer)
                await asyncio.sleep(0)
        slow.go.set()
        assert (await asked).id == 7


async def test_the_callers_patience_is_ours(house: Front) -> None:
    """When the time of grpc-timeout is over the work ends, and the caller is told."""
    slow = Slow(house)
    async with port(house, slow.rpcs) as opened, raw(opened) as client:
        stream = client.open(
            path="/grpc.UserService/GetUser", authorization=SERVICE[0][1], grpc_timeout="50m"
        )
        client.send(stream, framed(b""), end=True)
        assert (await client.until_over(stream))["grpc-status"] == "4"
        assert slow.cancelled.is_set()


async def test_work_ends_with_its_caller(house: Front) -> None:
    """A call that is cancelled, or whose connection breaks, is not worked on."""
    slow = Slow(house)
    async with port(house, slow.rpcs) as opened, stub(opened) as client:
        asked = asyncio.create_task(client.call("UserService/GetUser", SERVICE, user_id=1))
        await slow.begun.wait()
        asked.cancel()
        async with asyncio.timeout(5):
            await slow.cancelled.wait()
    slow = Slow(house)
    async with port(house, slow.rpcs) as opened:
        async with raw(opened) as client:
            stream = client.open(path="/grpc.UserService/GetUser", authorization=SERVICE[0][1])
            client.send(stream, framed(b""), end=True)
            client.write()
            await slow.begun.wait()
        async with asyncio.timeout(5):
            await slow.cancelled.wait()


async def test_a_drain_lets_calls_end(house: Front) -> None:
    """While a port drains, what runs goes on to its end, and new calls are unavailable."""
    slow = Slow(house)
    async with port(house, slow.rpcs) as opened, stub(opened) as client, raw(opened) as other:
        asked = asyncio.create_task(client.call("UserService/GetUser", SERVICE, user_id=1))
        await slow.begun.wait()
        await other.hear()
        await opened.close()
        refused = await client.refused("UserService/ValidateToken", token="abc")
        assert refused[0] == "UNAVAILABLE"
        stream = other.open()
        other.send(stream, TOKEN, end=True)
        assert (await other.until_over(stream))["grpc-status"] == "14"
        stopping = asyncio.create_task(opened.stop())
        slow.go.set()
        assert (await asked).id == 7
        await stopping
        await other.until_gone()


async def test_a_drain_has_an_end(house: Front) -> None:
    """What does not end in the time of a drain is told so, and its work is over."""
    slow = Slow(house)
    async with port(house, slow.rpcs, drain_seconds=0.05) as opened, stub(opened) as client:
        asked = asyncio.create_task(client.refused("UserService/GetUser", SERVICE, user_id=1))
        await slow.begun.wait()
        async with asyncio.timeout(5):
            await opened.stop()
        assert (await asked)[0] == "UNAVAILABLE"
        assert slow.cancelled.is_set()


async def test_a_port_that_is_taken(house: Front) -> None:
    """Who can't have the port is told which setting to change; a port can be bound and left."""
    async with port(house) as opened:
        second = Port([], desk(house), "127.0.0.1", opened.port, setting="grpc.user")
        with pytest.raises(BindError, match=rf"{opened.port}.*in use.*grpc\.user"):
            second.bind()
        third = Port([], desk(house), "127.0.0.1", 0, setting="grpc.user")
        third.bind()
        await third.stop()


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"method": "GET"}, "405"),
        ({"content_type": "application/json"}, "415"),
        ({"content_type": ""}, "415"),
        ({"te": ""}, "400"),
    ],
)
async def test_what_is_no_grpc(house: Front, headers: dict[str, str], status: str) -> None:
    """A request of another kind is answered as HTTP would."""
    async with port(house) as opened, raw(opened) as client:
        stream = client.open(end=True, **headers)
        assert (await client.until_over(stream))[":status"] == status


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", "3"),
        (b"\0\0", "3"),
        (TOKEN[:-1], "3"),
        (TOKEN + TOKEN, "3"),
        (framed(b"\x0a\x7f"), "3"),
        (b"\x01" + TOKEN[1:], "12"),
        (b"\x02" + TOKEN[1:], "12"),
        (TOKEN, "0"),
        (framed(b""), "0"),
    ],
)
async def test_bodies_that_are_none(house: Front, body: bytes, status: str) -> None:
    """A body that is cut off, doubled or no message is an invalid argument, at once."""
    async with port(house) as opened, raw(opened) as client:
        stream = client.open()
        client.send(stream, body, end=True)
        assert (await client.until_over(stream))["grpc-status"] == status


async def test_a_message_in_pieces(house: Front) -> None:
    """Frames may cut a message anywhere, and may be empty or of a kind that nobody knows."""
    async with port(house) as opened, raw(opened) as client:
        stream = client.open(x_odd="\xff\xfe")
        for at in range(len(TOKEN)):
            client.send(stream, TOKEN[at : at + 1])
            client.write(DataFrame(stream, b"").serialize())
            client.write(b"\0\0\3\xaa\0\0\0\0\0abc")
        client.h2.end_stream(stream)
        assert (await client.until_over(stream))["grpc-status"] == "0"


@pytest.mark.parametrize("junk", [b"GET / HTTP/1.1\r\n\r\n", b"\0" * 9, b"\xff" * 500])
async def test_junk(house: Front, junk: bytes) -> None:
    """Who speaks no HTTP/2 is hung up on, and others do not notice."""
    async with port(house) as opened, stub(opened) as other:
        reader, writer = await asyncio.open_connection("127.0.0.1", opened.port)
        writer.write(junk)
        async with asyncio.timeout(5):
            await reader.read(-1)
        writer.close()
        assert (await other.refused("UserService/ValidateToken"))[0] == "OK"
        assert len(opened.guests) == 1


async def test_nothing_leaks_of_what_broke(house: Front) -> None:
    """An error that nobody foresaw is internal, and what it says stays in the log."""

    async def broken(_call: Call, _asked: Any) -> Any:
        raise RuntimeError("the password is hunter2")

    rpcs = [msgspec.structs.replace(rpc, act=broken) for rpc in user.served(house.service)]
    async with port(house, rpcs) as opened, stub(opened) as client:
        code, text = await client.refused("UserService/ValidateToken")
    assert code == "INTERNAL"
    assert "hunter2" not in text
    assert "log" in text


async def test_a_flood_of_calls_that_are_taken_back(house: Front) -> None:
    """Who opens and resets calls for nothing holds nothing."""
    async with port(house) as opened, raw(opened) as client:
        for _ in range(500):
            client.h2.reset_stream(client.open())
        stream = client.open()
        client.send(stream, TOKEN, end=True)
        assert (await client.until_over(stream))["grpc-status"] == "0"
        (guest,) = opened.guests
        async with asyncio.timeout(5):
            while guest.calls.tasks:
                await asyncio.sleep(0)
        assert not guest.processor.streams
