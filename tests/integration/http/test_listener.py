"""The embedded server: its port, its end, and clients that begin and never go on."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from litestar import post

from meeting.kernel.call import Call
from meeting.transports.gateway import gateway
from meeting.transports.http import server
from meeting.transports.http.envelope import Envelope, Envelopes
from meeting.transports.http.server import Listener
from meeting.transports.listening import BindError
from tests.clock import MovingClock
from tests.front import Way, front


class Held:
    """An ASGI app that answers when it is told to."""

    def __init__(self) -> None:
        self.entered = asyncio.Event()
        self.go = asyncio.Event()

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer late."""
        self.entered.set()
        await self.go.wait()
        headers = [(b"content-length", b"4")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": b"done", "more_body": False})


def listener(app: Held, port: int = 0, drain: int = 5) -> Listener:
    """Make a listener on loopback."""
    return Listener(app, "127.0.0.1", port, setting="http.port", drain_seconds=drain)


async def test_a_taken_port_says_what_to_do() -> None:
    """Binding a port that is held is one clear error with the setting to change."""
    first = listener(Held())
    first.bind()
    with pytest.raises(BindError, match=rf"127\.0\.0\.1:{first.port}.*in use.*http\.port"):
        listener(Held(), first.port).bind()
    await first.stop()


async def test_a_running_request_ends_well_when_the_port_closes() -> None:
    """`stop` takes nothing new, lets what runs answer, and frees the port."""
    app = Held()
    port = listener(app)
    await port.start()
    url = f"http://127.0.0.1:{port.port}/"
    async with aiohttp.ClientSession() as client:
        running = asyncio.create_task(client.get(url))
        await app.entered.wait()
        stopping = asyncio.create_task(port.stop())
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port.port)
            except ConnectionRefusedError:
                break
            except ConnectionResetError:
                continue
            writer.close()
        app.go.set()
        response = await running
        assert (response.status, await response.text()) == (200, "done")
    await stopping
    second = listener(Held(), port.port)
    second.bind()
    await second.stop()


async def test_a_request_that_never_ends_holds_nobody_up() -> None:
    """After the time to drain a request is cut off and `stop` returns."""
    app = Held()
    port = listener(app, drain=1)
    await port.start()
    async with aiohttp.ClientSession() as client:
        running = asyncio.create_task(client.get(f"http://127.0.0.1:{port.port}/"))
        await app.entered.wait()
        await port.stop()
        assert (await running).status == 500


async def test_a_request_that_is_cut_off_is_told_so(way: Way, tmp_path: Path) -> None:
    """Who waits longer than the drain gets 503 in the contract's form."""
    entered = asyncio.Event()
    envelope = Envelopes(MovingClock())

    @post("/meetings/{meeting_id:int}/end", status_code=200)
    async def endless(call: Call, meeting_id: int) -> Envelope[int]:
        entered.set()
        await asyncio.Event().wait()
        return envelope(call, meeting_id)

    async with front(tmp_path, way=way, routes=[endless], drain_seconds=1) as house:
        headers = await house.bearer()
        running = asyncio.create_task(house.post("/meetings/7/end", headers=headers))
        await entered.wait()
        await house.listener.stop()
        status, answer = await running
    assert (status, answer["code"], answer["error"]["type"]) == (503, 503, "unavailable")


async def test_signals_stay_with_the_process() -> None:
    """Starting and stopping a port changes no signal handler."""
    before = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    port = listener(Held())
    await port.start()
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == before
    await port.stop()


async def test_a_client_that_begins_and_waits_is_hung_up_on(
    way: Way, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A connection without a whole head is closed after its time."""
    for module in (server, gateway):
        monkeypatch.setattr(module, "HEAD_SECONDS", 0.05)
    async with front(tmp_path, way=way) as house:
        port = int(house.url.rsplit(":", 1)[1])
        for begun in (b"", b"GET / HTTP/1.1\r\nHost:"):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(begun)
            async with asyncio.timeout(10):
                assert await reader.read() == b""
            writer.close()
