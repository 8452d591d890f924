"""What a caller can hold of a gRPC port: little, and not for long."""

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from h2.settings import SettingCodes

from meeting.transports.grpc import dispatch, exchange, wire
from meeting.transports.grpc.bounds import CHUNK_BYTES, JSON_BYTES, OPEN_BYTES, bound
from meeting.transports.grpc.dispatch import WATCHING
from meeting.transports.grpc.exchange import framed
from meeting.transports.grpc.link import Link
from meeting.transports.grpc.server import Quiet
from meeting.transports.http.body import Store
from meeting.transports.policy import RPCS
from tests.front import Front, front
from tests.integration.grpc.raw import raw
from tests.integration.grpc.world import SERVICE, port, stub

REFLECT = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo"
TOKEN = framed(b"\x0a\x03abc")


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Front]:
    """The user domain."""
    async with front(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(
    ("path", "size"),
    [
        (REFLECT, OPEN_BYTES),
        ("/grpc.health.v1.Health/Check", OPEN_BYTES),
        ("/grpc.UserService/ValidateToken", OPEN_BYTES),
        ("/grpc.MeetingService/SaveAIAnalysisResult", JSON_BYTES),
        ("/grpc.AIService/StreamAudioProcessing", CHUNK_BYTES),
        ("/grpc.AIService/ProcessAudioData", 2**25),
    ],
)
def test_each_call_has_a_size(path: str, size: int) -> None:
    """How large a message may be depends on the call, and is never above the port's own bound."""
    assert bound(RPCS[path], 2**25) == size
    assert bound(RPCS[path], 100) == 100


async def test_nobody_says_much(house: Front) -> None:
    """Of whoever comes a port takes no more than a call of that kind needs."""
    async with port(house) as opened, raw(opened) as client:
        for path in (REFLECT, "/grpc.UserService/ValidateToken"):
            stream = client.open(path=path)
            client.send(stream, (OPEN_BYTES + 1).to_bytes(5))
            assert (await client.until_over(stream))["grpc-status"] == "8"


async def test_what_is_announced_takes_nothing(house: Front) -> None:
    """Who only says how long a message will be keeps no memory from others."""
    async with port(house, bodies=Store(100)) as opened, raw(opened) as client:
        stream = client.open()
        client.send(stream, (1000).to_bytes(5))
        await client.hear()
        other = client.open()
        client.send(other, TOKEN, end=True)
        assert (await client.until_over(other))["grpc-status"] == "0"
        async with stub(opened) as third:
            assert (await third.refused("UserService/ValidateToken"))[0] == "OK"


async def test_a_message_has_its_time(house: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    """A message that never comes to its end is over in time, whoever sends it."""
    monkeypatch.setattr(exchange, "READ_SECONDS", 0.05)
    async with port(house) as opened, raw(opened) as client:
        for path in (REFLECT, "/grpc.UserService/GetUser"):
            stream = client.open(path=path, authorization=SERVICE[0][1])
            client.send(stream, TOKEN[:-1])
            assert (await client.until_over(stream))["grpc-status"] == "4"


async def test_nobody_waits_for_long(house: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call of nobody on which nothing comes is over in time."""
    monkeypatch.setattr(dispatch, "IDLE_SECONDS", 0.05)
    async with port(house) as opened, raw(opened) as client:
        stream = client.open(path=REFLECT)
        assert (await client.until_over(stream))["grpc-status"] == "4"


WATCH = "/grpc.health.v1.Health/Watch"


async def test_who_watches_does_not_stay_for_ever(house: Front) -> None:
    """A connection with nothing but watches of nobody counts as silent."""
    async with port(house, quiet=Quiet(hello=0.05, idle=0.05)) as opened, raw(opened) as client:
        client.send(client.open(path=WATCH), framed(b""), end=True)
        await client.until_gone()


async def test_watches_have_a_bound(house: Front) -> None:
    """A connection may have a few calls that never end."""
    async with port(house) as opened, raw(opened) as client:
        for _ in range(WATCHING):
            client.send(client.open(path=WATCH), framed(b""), end=True)
        last = client.open(path=WATCH)
        client.send(last, framed(b""), end=True)
        assert (await client.until_over(last))["grpc-status"] == "8"
        assert len(client.over) == 1


async def test_an_answer_has_to_be_taken(house: Front, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call whose caller makes no room for an answer ends in time."""
    monkeypatch.setattr(exchange, "SEND_SECONDS", 0.05)
    async with port(house) as opened, raw(opened) as client:
        client.h2.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 0})
        stream = client.open(path=WATCH)
        client.send(stream, framed(b""), end=True)
        assert (await client.until_over(stream))["grpc-status"] == "4"


async def test_who_asks_and_takes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A peer that sends pings and reads no answer is hung up on."""
    monkeypatch.setattr(wire, "OWED_BYTES", 2**14)
    ours, theirs = socket.socketpair()
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    _, link = await asyncio.get_running_loop().create_connection(Link, sock=ours)
    _, writer = await asyncio.open_connection(sock=theirs)
    ping = b"\0\0\x08\6\0\0\0\0\0" + b"12345678"
    writer.write(b"\0\0\0\4\0\0\0\0\0" + ping * 20_000)
    async with asyncio.timeout(5):
        await link._gone.wait()
    writer.transport.abort()
