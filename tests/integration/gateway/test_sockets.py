"""WebSockets on their way to an owner: what passes, and how each kind of end looks to the other."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import aiohttp
import msgspec
import pytest
from aiohttp import WSMessage, WSMsgType, web

from meeting.transports.gateway.bounds import Bounds
from meeting.transports.gateway.gateway import Gateway
from tests.integration.gateway.owner import HURRIED, PATIENCE, Asked, before, owning, well

LOST = 1006
Script = Callable[[web.WebSocketResponse], Awaitable[None]]


class Sockets:
    """A good owner of sockets; each is handed to a script."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.open: list[web.WebSocketResponse] = []
        self.headers: list[dict[str, str]] = []
        self.url = ""
        self._runner: web.ServerRunner

    async def start(self) -> None:
        """Listen on any free port."""
        self._runner = web.ServerRunner(web.Server(self._serve), shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0)
        await site.start()
        self.url = f"http://127.0.0.1:{self._runner.addresses[0][1]}"

    async def stop(self) -> None:
        """End."""
        await self._runner.cleanup()

    def kill(self) -> None:
        """Cut every socket without a word."""
        for socket in self.open:
            transport = socket._req.transport  # type: ignore[union-attr]
            assert transport is not None
            transport.abort()

    async def _serve(self, request: web.BaseRequest) -> web.StreamResponse:
        self.headers.append({name.lower(): value for name, value in request.headers.items()})
        socket = web.WebSocketResponse(autoping=False, autoclose=False)
        await socket.prepare(request)
        self.open.append(socket)
        await self.script(socket)
        return socket


@asynccontextmanager
async def sockets(script: Script) -> AsyncIterator[Sockets]:
    """Run an owner of sockets for a test."""
    owner = Sockets(script)
    await owner.start()
    try:
        yield owner
    finally:
        await owner.stop()


@asynccontextmanager
async def dialled(
    gateway: Gateway, query: str = "", **headers: str
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    """Open a socket through the gateway."""
    url = f"http://127.0.0.1:{gateway.port}/ws{query}"
    async with (
        asyncio.timeout(PATIENCE),
        aiohttp.ClientSession() as http,
        http.ws_connect(
            url, headers=headers, autoping=False, autoclose=False, max_msg_size=0, compress=15
        ) as socket,
    ):
        yield socket


async def echo(socket: web.WebSocketResponse) -> None:
    """Say everything back, pings as pings, and answer a close with a close of its own."""
    while True:
        message = await socket.receive()
        if message.type not in (
            WSMsgType.TEXT,
            WSMsgType.BINARY,
            WSMsgType.PING,
            WSMsgType.PONG,
            WSMsgType.CLOSE,
        ):
            return
        if message.type is WSMsgType.CLOSE:
            await socket.close(code=message.data, message=(message.extra or "").encode())
            return
        data = message.data.encode() if message.type is WSMsgType.TEXT else message.data
        await socket.send_frame(data, message.type)


def listening(heard: "asyncio.Future[WSMessage]", *, last: bool = True) -> Script:
    """Make a script that says "hello" and tells what came then."""

    async def script(socket: web.WebSocketResponse) -> None:
        await socket.send_str("hello")
        message = await socket.receive()
        while last and message.type in (WSMsgType.TEXT, WSMsgType.BINARY, WSMsgType.PING):
            message = await socket.receive()
        heard.set_result(message)

    return script


async def test_all_kinds_of_messages_pass_both_ways() -> None:
    """Text, bytes, pings and pongs with what they hold; the close with code and reason."""
    async with sockets(echo) as owner, before(owner.url) as gateway, dialled(gateway) as socket:
        for sent in (
            WSMessage(WSMsgType.TEXT, "grüße", ""),
            WSMessage(WSMsgType.BINARY, bytes(range(256)), ""),
            WSMessage(WSMsgType.PING, b"are you there", ""),
            WSMessage(WSMsgType.PONG, b"i am", ""),
            WSMessage(WSMsgType.BINARY, b"", ""),
        ):
            data = sent.data.encode() if sent.type is WSMsgType.TEXT else sent.data
            await socket.send_frame(data, sent.type)
            got = await socket.receive()
            assert (got.type, got.data) == (sent.type, sent.data)
        assert "sec-websocket-extensions" not in owner.headers[0]
        await socket.send_frame(b"\x0f\xa2bye", WSMsgType.CLOSE)  # 4002
        got = await socket.receive()
        assert (got.type, got.data, got.extra) == (WSMsgType.CLOSE, 4002, "bye")


@pytest.mark.parametrize("code", [1000, 1001, 1009, 1013, 4001, 4004, 4029])
async def test_an_owner_s_close_reaches_the_client(code: int) -> None:
    """Code and reason, after all that was said before; the client's answer goes back."""
    answered: asyncio.Future[WSMessage] = asyncio.get_running_loop().create_future()

    async def closes(socket: web.WebSocketResponse) -> None:
        await socket.send_str("last words")
        await socket.send_frame(code.to_bytes(2, "big") + b"because", WSMsgType.CLOSE)
        answered.set_result(await socket.receive())

    async with sockets(closes) as owner, before(owner.url) as gateway, dialled(gateway) as socket:
        assert (await socket.receive()).data == "last words"
        got = await socket.receive()
        assert (got.type, got.data, got.extra) == (WSMsgType.CLOSE, code, "because")
        await socket.close(code=code)
        assert (await answered).data == code


async def test_a_lost_client_is_a_lost_client() -> None:
    """The owner sees no close, so it keeps the client's place."""
    heard: asyncio.Future[WSMessage] = asyncio.get_running_loop().create_future()
    async with (
        sockets(listening(heard)) as owner,
        before(owner.url) as gateway,
        dialled(gateway) as socket,
    ):
        await socket.receive()
        transport = socket._response.connection.transport  # type: ignore[union-attr]
        transport.abort()  # type: ignore[union-attr]
        async with asyncio.timeout(PATIENCE):
            assert (await heard).type in (WSMsgType.CLOSED, WSMsgType.ERROR)


async def test_a_close_before_the_end_is_no_loss() -> None:
    """A client that closes and hangs up at once has left, however fast."""
    heard: asyncio.Future[WSMessage] = asyncio.get_running_loop().create_future()
    async with (
        sockets(listening(heard)) as owner,
        before(owner.url) as gateway,
        dialled(gateway) as socket,
    ):
        await socket.receive()
        for _ in range(20):
            await socket.send_str("x" * 2**15)
        await socket.send_frame((1000).to_bytes(2, "big"), WSMsgType.CLOSE)
        socket._response.close()
        async with asyncio.timeout(PATIENCE):
            got = await heard
        assert (got.type, got.data) == (WSMsgType.CLOSE, 1000)


async def test_an_owner_that_dies_frees_its_clients() -> None:
    """They are told 1001 at once, and may come back by another door."""
    async with sockets(echo) as owner, before(owner.url) as gateway, dialled(gateway) as socket:
        await socket.send_str("hello")
        await socket.receive()
        owner.kill()
        got = await socket.receive()
        assert (got.type, got.data, got.extra) == (WSMsgType.CLOSE, 1001, "the server is gone")


async def test_an_owner_that_falls_silent_is_taken_for_dead() -> None:
    """Owners ping; one that says nothing at all for so long stands behind a dead line."""

    async def hangs(socket: web.WebSocketResponse) -> None:
        await asyncio.Event().wait()

    async with sockets(hangs) as owner, before(owner.url) as gateway, dialled(gateway) as socket:
        got = await socket.receive()
        assert (got.type, got.data) == (WSMsgType.CLOSE, 1001)


async def test_a_message_has_a_bound() -> None:
    """One too long ends the socket with 1009, and its owner sees a lost client."""
    heard: asyncio.Future[WSMessage] = asyncio.get_running_loop().create_future()
    bounds = msgspec.structs.replace(HURRIED, message_bytes=1000)
    async with (
        sockets(listening(heard)) as owner,
        before(owner.url, bounds=bounds) as gateway,
        dialled(gateway) as socket,
    ):
        await socket.receive()
        await socket.send_str("x" * 1001)
        got = await socket.receive()
        assert (got.type, got.data) == (WSMsgType.CLOSE, 1009)
        assert (await heard).type in (WSMsgType.CLOSED, WSMsgType.ERROR)


async def test_frames_of_clients_are_masked() -> None:
    """A client that breaks the protocol so is told 1002, and nothing of it reaches an owner."""
    heard: asyncio.Future[WSMessage] = asyncio.get_running_loop().create_future()
    async with (
        sockets(listening(heard)) as owner,
        before(owner.url) as gateway,
        dialled(gateway) as socket,
    ):
        await socket.receive()
        connection = socket._response.connection
        assert connection is not None
        assert connection.transport is not None
        connection.transport.write(b"\x81\x02hi")
        got = await socket.receive()
        assert (got.type, got.data) == (WSMsgType.CLOSE, 1002)
        assert (await heard).type in (WSMsgType.CLOSED, WSMsgType.ERROR)


@pytest.mark.parametrize("status", [400, 401, 403, 429, 503])
async def test_a_refusal_reaches_the_client_as_it_is(status: int) -> None:
    """Status, headers and body of the owner's answer, before the upgrade."""

    async def refuses(asked: Asked) -> None:
        await asked.head()
        assert asked.header("upgrade") == "websocket"
        body = b'{"code":1}'
        asked.say(
            f"HTTP/1.1 {status} No",
            f"Content-Length: {len(body)}",
            "Content-Type: application/json",
            "Retry-After: 7",
            body=body,
        )

    key = "dGhlIHNhbXBsZSBub25jZQ=="
    headers = {"Upgrade": "websocket", "Connection": "upgrade", "Sec-WebSocket-Version": "13"}
    async with (
        owning(refuses) as owner,
        before(owner.url) as gateway,
        aiohttp.ClientSession(f"http://127.0.0.1:{gateway.port}") as http,
        http.get("/ws?token=x", headers=headers | {"Sec-WebSocket-Key": key}) as answer,
    ):
        assert (answer.status, await answer.json()) == (status, {"code": 1})
        assert answer.headers["Retry-After"] == "7"
        assert owner.asked[0].target == "GET /ws?token=x HTTP/1.1"
        assert owner.asked[0].header("sec-websocket-key") != key


async def test_a_handshake_that_fails_is_not_repeated() -> None:
    """A ticket may be spent by then: the owner is named, and no other one asked."""

    async def dies(asked: Asked) -> None:
        await asked.head()

    async with owning(dies) as first, owning(dies) as second:
        async with before(first.url, second.url) as gateway:
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                async with dialled(gateway):
                    pass
        assert refused.value.status == 503
        assert len(first.asked) + len(second.asked) == 1


async def test_sockets_are_spread_over_the_processes() -> None:
    """Each of two has half of them; when one is away the other has all."""
    async with (
        sockets(echo) as first,
        sockets(echo) as second,
        before(first.url, second.url) as gateway,
    ):
        for _ in range(4):
            async with dialled(gateway):
                pass
        assert (len(first.open), len(second.open)) == (2, 2)
        await first.stop()
        for _ in range(3):
            async with dialled(gateway):
                pass
        assert len(second.open) == 5


async def test_a_client_that_does_not_read_slows_its_owner_down() -> None:
    """Nothing piles up here; after a while such a client is dropped, and its owner hears of it."""
    sent = 0
    done = asyncio.Event()

    async def gushes(socket: web.WebSocketResponse) -> None:
        nonlocal sent
        try:
            while sent < 2**28:
                await socket.send_bytes(b"x" * 2**16)
                sent += 2**16
        except ConnectionError:
            pass
        done.set()

    async with sockets(gushes) as owner, before(owner.url) as gateway, dialled(gateway) as socket:
        connection = socket._response.connection
        assert connection is not None
        assert connection.transport is not None
        connection.transport.pause_reading()
        await done.wait()
        assert sent < 2**25
        connection.transport.abort()


async def test_a_gateway_that_stops_says_goodbye() -> None:
    """Its sockets are closed with 1001, and whoever is connected opens no new ones."""
    heard: asyncio.Future[WSMessage] = asyncio.get_running_loop().create_future()
    async with (
        sockets(listening(heard)) as owner,
        before(owner.url) as gateway,
        aiohttp.ClientSession(f"http://127.0.0.1:{gateway.port}") as http,
        dialled(gateway) as socket,
    ):
        async with http.get("/health") as answer:
            assert answer.status == 200
        await socket.receive()
        await gateway.close()
        async with http.get("/api/v1/meetings") as answer:  # on the connection that is there
            assert answer.status == 503
        stopping = asyncio.create_task(gateway.stop())
        got = await socket.receive()
        assert (got.type, got.data, got.extra) == (WSMsgType.CLOSE, 1001, "the server stops")
        await socket.close(code=1001)
        await stopping
        assert (await heard).type in (WSMsgType.CLOSED, WSMsgType.ERROR)


async def test_a_request_that_is_no_handshake_goes_to_the_owner_as_it_is() -> None:
    """It is for the owner to say what is wrong with it; no upgrade is asked for."""
    headers = {"Upgrade": "websocket", "Connection": "upgrade", "Sec-WebSocket-Version": "5"}
    async with (
        owning(well) as owner,
        before(owner.url, bounds=Bounds()) as gateway,
        aiohttp.ClientSession(f"http://127.0.0.1:{gateway.port}") as http,
        http.get("/ws", headers=headers) as answer,
    ):
        assert answer.status == 200
        assert owner.asked[0].header("upgrade") is None
