"""Connections that carry no socket yet, or never: bounded in number and in time on both servers."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from meeting.domains.signaling.model import Limits
from meeting.transports.gateway import gateway
from meeting.transports.http import server as http
from meeting.transports.websocket import aio, asgi
from meeting.transports.websocket.wire import EXTENSION
from tests.integration.signaling.world import PATIENCE, Server, World, world

ASKED = b"GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n"


class Line:
    """A bare connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    def say(self, sent: bytes) -> None:
        """Send bytes."""
        self._writer.write(sent)

    async def status(self) -> int:
        """Ask for what is not there and read the whole answer; 0 where the line is dead."""
        self.say(ASKED)
        try:
            async with asyncio.timeout(PATIENCE):
                head = await self._reader.readuntil(b"\r\n\r\n")
                sizes = [line for line in head.lower().split(b"\r\n") if b"content-length" in line]
                await self._reader.readexactly(int(sizes[0].split(b":")[1]))
        except (asyncio.IncompleteReadError, ConnectionError):
            return 0
        return int(head.split()[1])

    async def upgrade(self, token: str) -> None:
        """Become a WebSocket."""
        head = (
            "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            f"Authorization: Bearer {token}\r\n\r\n"
        )
        self.say(head.encode())
        assert b" 101 " in await self._reader.readuntil(b"\r\n\r\n")

    async def read(self) -> bytes:
        """Read to the end."""
        async with asyncio.timeout(PATIENCE):
            return await self._reader.read()

    async def ended(self) -> bool:
        """Wait until the server hangs up without a word."""
        return await self.read() == b""

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        with suppress(ConnectionError):
            await self._writer.wait_closed()


Connect = Callable[[World], Awaitable[Line]]


@pytest.fixture
async def connect() -> AsyncIterator[Connect]:
    """Open lines, which are closed at the end of the test."""
    opened: list[Line] = []

    async def connect(house: World) -> Line:
        place = urlsplit(house.url)
        opened.append(Line(*await asyncio.open_connection(place.hostname, place.port)))
        return opened[-1]

    yield connect
    for line in opened:
        await line.close()


@pytest.mark.parametrize("answered", [False, True], ids=["new", "answered"])
@pytest.mark.parametrize("begun", [b"", b"GET /ws HTTP/1.1\r\nHost:"], ids=["idle", "half"])
async def test_who_begins_and_waits_is_hung_up_on(
    tmp_path: Path,
    server: Server,
    monkeypatch: pytest.MonkeyPatch,
    connect: Connect,
    begun: bytes,
    answered: bool,
) -> None:
    """Nobody holds a connection without asking for something, at first or later."""
    for module in (http, aio, gateway):
        monkeypatch.setattr(module, "HEAD_SECONDS", 0.1)
    monkeypatch.setattr(http, "IDLE_SECONDS", 0.1)
    async with world(tmp_path, server) as house:
        line = await connect(house)
        if answered:
            assert await line.status() == 404
        line.say(begun)
        assert await line.ended()


async def test_a_socket_outlives_the_time_of_its_head(
    tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch, connect: Connect
) -> None:
    """The time is for the request alone; what was upgraded stays as long as it lives."""
    for module in (http, aio, gateway):
        monkeypatch.setattr(module, "HEAD_SECONDS", 0.1)
    async with world(tmp_path, server) as house:
        peer, line = await house.open(1), await connect(house)
        assert await line.ended()  # it began later than the socket did
        await peer.nothing()


async def test_frames_without_a_mask_break_the_protocol(house: World, connect: Connect) -> None:
    """RFC 6455, 5.1: a client masks its frames, or is closed with 1002; nobody else is touched."""
    peer, line = await house.open(1), await connect(house)
    await line.upgrade(house.token(2))
    ping = b'{"type":"ping"}'
    line.say(bytes([0x81, len(ping)]) + ping)
    assert (await line.read())[2:4] == (1002).to_bytes(2, "big")
    await peer.nothing()
    async with asyncio.timeout(PATIENCE):
        while len(house.signaling.seats) > 1:
            await asyncio.sleep(0)


async def test_who_is_lost_between_upgrade_and_first_frame_leaves_its_room(house: World) -> None:
    """Whatever ends the handshake gives the seat back."""

    async def lost() -> Any:
        raise ConnectionResetError

    async def sent(_message: Any) -> None:
        pass

    route = asgi.route(
        house.signaling, origins=(), ids=house.ids, clock=house.clock, tokens=house.tokens
    )
    scope: Any = {
        "extensions": {EXTENSION: None},
        "client": None,
        "query_string": f"token={house.token(1)}".encode(),
        "headers": [],
    }
    with pytest.raises(ConnectionResetError):
        await route.fn(scope, lost, sent)
    assert len(house.signaling.seats) == 0


async def test_a_full_room_leaves_room_for_who_asks(
    tmp_path: Path, server: Server, connect: Connect
) -> None:
    """All sockets there may be, and HTTP is served; one line more is hung up on, nobody else."""
    async with world(tmp_path, server, Limits(sockets=2), spare=2) as house:
        peers = [await house.open(user) for user in (1, 2)]
        lines = [await connect(house) for _ in range(2)]
        assert [await line.status() for line in lines] == [404, 404]
        late = await connect(house)
        assert await late.status() == 0
        assert [await line.status() for line in lines] == [404, 404]
        for peer in peers:
            await peer.nothing()
        await lines[0].close()
        while not await (await connect(house)).status():
            pass
