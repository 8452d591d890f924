"""Requests on their way to an owner that is good, or dies, or lies."""

import asyncio
import json
import math
import re
from collections.abc import AsyncIterator

import aiohttp
import pytest
from structlog.testing import capture_logs
from yarl import URL

from meeting.transports.gateway.bounds import Bounds
from meeting.transports.gateway.gateway import Gateway
from meeting.transports.http.forwarded import client as behind
from meeting.transports.http.limits import Limits
from tests.integration.gateway.owner import (
    PATIENCE,
    TOKENS,
    Asked,
    before,
    owning,
    silence,
    well,
)

LOGIN = "/api/v1/auth/login"
MEETINGS = "/api/v1/meetings"
BEARER = {"Authorization": f"Bearer {TOKENS.access(1, 'alice', '')[0]}"}


def url(gateway: Gateway, path: str = LOGIN) -> str:
    """Write the address of a path."""
    return f"http://127.0.0.1:{gateway.port}{path}"


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    """A client of the gateway."""
    async with aiohttp.ClientSession() as opened:
        yield opened


async def unavailable(answer: aiohttp.ClientResponse, peer: str) -> None:
    """Check that an answer names who is away, in the contract's form."""
    assert answer.status == 503
    said = await answer.json()
    assert said["code"] == 503
    assert said["error"] == {"type": "unavailable", "details": {"peer": peer}}
    assert said["request_id"] == answer.headers["X-Request-ID"]


async def closes(asked: Asked) -> None:
    """Take the whole request and hang up."""
    await asked.head()


async def babbles(asked: Asked) -> None:
    """Answer what is no HTTP."""
    await asked.head()
    asked.writer.write(b"\x00\x01 nonsense\r\n\r\n")


async def switches(asked: Asked) -> None:
    """Answer with another protocol, which nobody asked for."""
    await asked.head()
    asked.say("HTTP/1.1 101 Switching Protocols", "Upgrade: x", "Connection: upgrade")
    await asyncio.Event().wait()


@pytest.mark.parametrize("method", ["GET", "POST", "PUT", "DELETE", "HEAD"])
@pytest.mark.parametrize("script", [closes, babbles, switches, silence])
async def test_an_owner_that_fails_is_named_and_asked_once(
    http: aiohttp.ClientSession, script: object, method: str
) -> None:
    """Before its answer begins it is 503 with the peer; another address is not asked then."""
    async with owning(script) as first, owning(well) as second:  # type: ignore[arg-type]
        async with (
            before(first.url, second.url) as gateway,
            asyncio.timeout(PATIENCE),
            http.request(method, url(gateway, MEETINGS)) as answer,
        ):
            if method == "HEAD":
                assert answer.status == 503
            else:
                await unavailable(answer, "meeting")
        assert (len(first.asked), len(second.asked)) == (1, 0)


async def test_a_connection_that_ends_as_it_is_used_again_repeats_nothing(
    http: aiohttp.ClientSession,
) -> None:
    """Whether the owner has done what a request wants is unknown, so nobody asks for it twice."""

    async def once(asked: Asked) -> None:
        await asked.head()
        asked.ok()
        await asked.head()

    async with owning(once) as owner, before(owner.url) as gateway:
        async with http.get(url(gateway, MEETINGS)) as answer:
            assert answer.status == 200
        async with http.get(url(gateway, MEETINGS)) as answer:
            await unavailable(answer, "meeting")
        assert len(owner.asked) == 1


async def test_an_address_that_is_away_is_passed_over(http: aiohttp.ClientSession) -> None:
    """Where nothing was sent yet the next address gets the request, body and all."""
    got: list[bytes] = []

    async def keeps(asked: Asked) -> None:
        await asked.head()
        got.append(await asked.reader.readexactly(int(asked.header("content-length") or 0)))
        asked.ok()

    async with owning(well) as away:
        pass
    async with (
        owning(keeps) as owner,
        before(away.url, owner.url) as gateway,
        http.post(url(gateway), data=b"x" * 200_000) as answer,
    ):
        assert (answer.status, await answer.read()) == (200, b"done")
    assert got == [b"x" * 200_000]


async def test_an_owner_without_any_address_up_is_named(http: aiohttp.ClientSession) -> None:
    """503 at once; the log names the address, and no query."""
    async with owning(well) as away:
        pass
    with capture_logs() as logs:
        async with before(away.url, away.url) as gateway:
            for path, peer in ((LOGIN, "user"), ("/api/v1/ai/analysis/7", "ai")):
                async with http.get(url(gateway, path + "?token=secret-1")) as answer:
                    await unavailable(answer, peer)
            with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
                await http.ws_connect(url(gateway, "/ws?token=secret-2"))
            assert refused.value.status == 503
    assert away.url in repr(logs)
    assert "secret-" not in repr(logs)


@pytest.mark.parametrize("framing", ["Content-Length: 100", "Transfer-Encoding: chunked"])
async def test_half_an_answer_is_never_taken_for_the_whole(
    http: aiohttp.ClientSession, framing: str
) -> None:
    """An owner that dies within its answer cuts the client's connection."""

    async def dies(asked: Asked) -> None:
        await asked.head()
        asked.say("HTTP/1.1 200 OK", framing, body=b"5\r\nhello\r\n")
        await asked.writer.drain()

    async with owning(dies) as owner, before(owner.url) as gateway:
        with pytest.raises(aiohttp.ClientError):
            async with http.get(url(gateway)) as answer:
                await answer.read()


async def test_an_answer_that_never_ends_is_cut(http: aiohttp.ClientSession) -> None:
    """However busily an owner drips, a request has an end."""

    async def drips(asked: Asked) -> None:
        await asked.head()
        asked.say("HTTP/1.1 200 OK", "Transfer-Encoding: chunked")
        while True:
            asked.writer.write(b"1\r\nx\r\n")
            await asked.writer.drain()
            await asyncio.sleep(0.02)

    async with owning(drips) as owner, before(owner.url) as gateway, asyncio.timeout(PATIENCE):
        with pytest.raises(aiohttp.ClientError):
            async with http.get(url(gateway)) as answer:
                await answer.read()


async def test_who_stands_at_a_debugger_is_waited_for(http: aiohttp.ClientSession) -> None:
    """Bounds without an end are bounds, too."""
    endless = Limits(json_seconds=math.inf, body_seconds=math.inf)
    async with (
        owning(well) as owner,
        before(owner.url, bounds=Bounds(owners=endless, silence_seconds=math.inf)) as gateway,
        http.post(url(gateway), data=b"x") as answer,
    ):
        assert answer.status == 200


async def test_a_client_that_hangs_up_ends_its_request_at_the_owner() -> None:
    """The owner sees the end of the connection, and need not work for nobody."""
    entered, gone = asyncio.Event(), asyncio.Event()

    async def waits(asked: Asked) -> None:
        await asked.head()
        entered.set()
        await asked.reader.read()
        gone.set()

    patient = Bounds()
    async with owning(waits) as owner, before(owner.url, bounds=patient) as gateway:
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(f"GET {MEETINGS} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        await entered.wait()
        writer.close()
        async with asyncio.timeout(PATIENCE):
            await gone.wait()


async def test_a_body_streams(http: aiohttp.ClientSession) -> None:
    """The owner has the first part before the client has made the second."""
    first, second = asyncio.Event(), asyncio.Event()

    async def reads(asked: Asked) -> None:
        await asked.head()
        assert asked.header("transfer-encoding") == "chunked"
        assert await asked.reader.readuntil(b"one\r\n") == b"3\r\none\r\n"
        first.set()
        assert await asked.reader.readuntil(b"0\r\n\r\n") == b"3\r\ntwo\r\n0\r\n\r\n"
        second.set()
        asked.ok()

    async def parts() -> AsyncIterator[bytes]:
        yield b"one"
        await first.wait()
        yield b"two"

    async with (
        owning(reads) as owner,
        before(owner.url, bounds=Bounds()) as gateway,
        asyncio.timeout(PATIENCE),
        http.post(url(gateway), data=parts()) as answer,
    ):
        assert answer.status == 200
    assert second.is_set()


async def test_nothing_piles_up_behind_an_owner_that_does_not_read() -> None:
    """The client is slowed down: a few buffers of its body are under way, and no more."""
    limits = Limits(json_bytes=2**30)

    async def deaf(asked: Asked) -> None:
        asked.writer.transport.pause_reading()  # type: ignore[attr-defined]
        await asyncio.Event().wait()

    async with owning(deaf) as owner, before(owner.url, bounds=Bounds(owners=limits)) as gateway:
        _, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        head = f"POST {LOGIN} HTTP/1.1\r\nHost: x\r\nContent-Length: {2**30}\r\n\r\n"
        writer.write(head.encode())
        assert await _pushed(writer) < 2**24
        writer.transport.abort()


async def test_nothing_piles_up_behind_a_client_that_does_not_read() -> None:
    """The owner is slowed down likewise."""
    pushed: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def gushes(asked: Asked) -> None:
        await asked.head()
        asked.say("HTTP/1.1 200 OK", f"Content-Length: {2**30}")
        pushed.set_result(await _pushed(asked.writer))

    async with owning(gushes) as owner, before(owner.url, bounds=Bounds()) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port, limit=2**16)
        writer.write(f"GET {MEETINGS} HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        assert await pushed < 2**24
        writer.transport.abort()
        del reader


async def _pushed(writer: asyncio.StreamWriter) -> int:
    """Write until nothing has left for a while; the bytes that left."""
    sent = 0
    while sent < 2**28:
        writer.write(b"x" * 2**16)
        sent += 2**16
        try:
            async with asyncio.timeout(1):
                await writer.drain()
        except TimeoutError:
            break
    return sent


async def test_a_body_that_says_itself_too_long_goes_nowhere(http: aiohttp.ClientSession) -> None:
    """413 before the owner hears of it; who may not send any body at all is told that first."""
    too_long = {"Content-Length": str(2**20 + 1), "Expect": "100-continue"}
    async with owning(well) as owner, before(owner.url, bounds=Bounds()) as gateway:
        for path, headers, status in (
            (LOGIN, {}, 413),
            (MEETINGS, {}, 401),
            (MEETINGS, {"Authorization": "Bearer x"}, 401),
            (MEETINGS, BEARER, 413),
        ):
            lines = [f"POST {path} HTTP/1.1", "Host: x"]
            lines += [f"{name}: {value}" for name, value in (headers | too_long).items()]
            assert await _status(gateway, "\r\n".join([*lines, "", ""]).encode()) == status
        assert not owner.asked


async def test_a_body_that_grows_too_long_is_cut_off(http: aiohttp.ClientSession) -> None:
    """In chunks the bound is met on the way: the client hears 413, the owner never the end."""
    got: list[bytes] = []

    async def reads(asked: Asked) -> None:
        await asked.head()
        got.append(await asked.reader.read(-1))

    async def parts() -> AsyncIterator[bytes]:
        for _ in range(40):
            yield b"x" * 2**15

    async with owning(reads) as owner, before(owner.url, bounds=Bounds()) as gateway:
        async with http.post(url(gateway), data=parts()) as answer:
            assert (answer.status, (await answer.json())["code"]) == (413, 30003)
        async with asyncio.timeout(PATIENCE):
            while not got:
                await asyncio.sleep(0.01)
    assert not got[0].endswith(b"0\r\n\r\n")


async def test_an_owner_sees_the_client_and_not_what_it_claims(http: aiohttp.ClientSession) -> None:
    """Address, host and scheme are ours, with our mark; what is for one hop stays behind."""
    headers = [
        ("X-Forwarded-For", "6.6.6.6"),
        ("X-Forwarded-For", "7.7.7.7"),
        ("X-Forwarded-Mark", "0" * 64),
        ("X-Forwarded-Proto", "gopher"),
        ("X-Forwarded-Other", "x"),
        ("Forwarded", "for=6.6.6.6"),
        ("X-Real-IP", "6.6.6.6"),
        ("Connection", "X-Hop, close"),
        ("X-Hop", "1"),
        ("TE", "trailers"),
        ("Proxy-Authorization", "Basic x"),
        ("Host", "meet.example.org"),
        ("X-Request-ID", "seen-1"),
        ("X-End", "to end"),
        ("Cookie", "a=b"),
    ]
    async with owning(well) as owner, before(owner.url) as gateway:
        asks = URL(url(gateway, MEETINGS + "?q=%2F%20a&b="), encoded=True)
        async with http.get(asks, headers=headers) as answer:
            assert answer.status == 200
        (asked,) = owner.asked
    assert asked.target == f"GET {MEETINGS}?q=%2F%20a&b= HTTP/1.1"
    assert asked.header("host") == asked.header("x-forwarded-host") == "meet.example.org"
    assert asked.header("x-forwarded-for") == "127.0.0.1"
    assert asked.header("x-forwarded-proto") == "http"
    assert asked.header("x-request-id") == "seen-1"
    assert asked.header("x-end") == "to end"
    assert asked.header("cookie") == "a=b"
    assert behind(dict(asked.headers), "10.0.0.1", TOKENS) == "127.0.0.1"
    hidden = {"x-forwarded-other", "x-hop", "te", "proxy-authorization", "forwarded", "x-real-ip"}
    assert not hidden & {name for name, _ in asked.headers}


async def test_an_answer_passes_as_it_is(http: aiohttp.ClientSession) -> None:
    """Packed bodies stay packed, cookies are the client's own, and hops' headers stay behind."""

    async def packs(asked: Asked) -> None:
        while True:
            await asked.head()
            asked.say(
                "HTTP/1.1 418 Teapot",
                "Content-Length: 6",
                "Content-Encoding: gzip",
                "Set-Cookie: a=b",
                "Set-Cookie: c=d",
                "Connection: X-Hop",
                "X-Hop: 1",
                body=b"packed",
            )

    async with owning(packs) as owner, before(owner.url) as gateway:
        for _ in range(2):
            async with http.get(url(gateway), auto_decompress=False) as answer:
                assert (answer.status, answer.reason) == (418, "Teapot")
                assert await answer.read() == b"packed"
                assert answer.headers.getall("Set-Cookie") == ["a=b", "c=d"]
                assert "X-Hop" not in answer.headers
                assert "aiohttp" not in answer.headers["Server"]
            http.cookie_jar.clear()
            assert owner.asked[0].header("cookie") is None
        assert len(owner.asked) == 1  # the connection is used again


async def test_a_client_may_wait_for_the_owner_s_word() -> None:
    """`100 Continue` comes when the owner says so, and never where it refuses."""

    async def asks(asked: Asked) -> None:
        await asked.head()
        assert asked.header("expect") == "100-continue"
        if asked.header("authorization") is None:
            asked.say("HTTP/1.1 401 Unauthorized", "Content-Length: 0")
            return
        asked.say("HTTP/1.1 100 Continue")
        assert await asked.reader.readexactly(5) == b"hello"
        asked.ok()

    head = f"POST {MEETINGS} HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n"
    async with owning(asks) as owner, before(owner.url, bounds=Bounds()) as gateway:
        assert await _status(gateway, f"{head}\r\n".encode()) == 401
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(f"{head}Authorization: x\r\n\r\n".encode())
        async with asyncio.timeout(PATIENCE):
            assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
            writer.write(b"hello")
            assert (await reader.readline()).startswith(b"HTTP/1.1 200 ")
        writer.close()


@pytest.mark.parametrize(
    "lines",
    [
        ["Content-Length: 5", "Transfer-Encoding: chunked"],
        ["Transfer-Encoding: chunked", "Content-Length: 5"],
        ["Content-Length: 5", "Content-Length: 6"],
        ["Content-Length: 5", "Content-Length: 5"],
        ["Content-Length: +5"],
        ["Content-Length: 5, 5"],
        ["Transfer-Encoding: gzip, chunked"],
        ["Transfer-Encoding: xchunked"],
        ["Transfer-Encoding: chunked", "Transfer-Encoding: identity"],
        ["Transfer-Encoding : chunked"],
        ["Transfer-Encoding:\x0bchunked"],
        ["Host: y"],
        ["X: a", " b"],
        ["Upgrade: websocket", "Connection: upgrade", "Content-Length: 5"],
    ],
    ids=lambda lines: " / ".join(lines).replace("\x0b", "VT"),
)
async def test_a_head_with_two_meanings_goes_nowhere(lines: list[str]) -> None:
    """400, the connection ends, and the owner hears nothing: no request hides in another."""
    head = "\r\n".join([f"POST {LOGIN} HTTP/1.1", "Host: x", *lines, "", ""]).encode()
    hidden = f"0\r\n\r\nGET {MEETINGS} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
    async with owning(well) as owner, before(owner.url) as gateway:
        assert await _statuses(gateway, head + hidden) == [400]
        assert not owner.asked


@pytest.mark.parametrize("target", ["http://evil/x", "*", "/a#b", "/\u00e9", "evil:80"])
async def test_a_target_is_a_path(target: str) -> None:
    """What is no path from the root is refused."""
    async with owning(well) as owner, before(owner.url) as gateway:
        head = f"GET {target} HTTP/1.1\r\nHost: x\r\n\r\n".encode()
        assert await _status(gateway, head) == 400
        assert not owner.asked


async def test_a_head_has_a_bound() -> None:
    """Many short headers are too long together, and the answer says how long a head may be."""
    fields = "".join(f"X-{number}: {'a' * 900}\r\n" for number in range(90))
    async with owning(well) as owner, before(owner.url) as gateway:
        reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
        writer.write(f"GET {MEETINGS} HTTP/1.1\r\nHost: x\r\n{fields}\r\n".encode())
        async with asyncio.timeout(PATIENCE):
            said = await reader.read()
        writer.close()
        assert said.startswith(b"HTTP/1.1 400 ")
        details = json.loads(said.partition(b"\r\n\r\n")[2])["error"]["details"]
        assert details == {"head": "must be at most 65536 bytes"}
        assert not owner.asked


async def test_a_pool_that_is_full_refuses_in_time(http: aiohttp.ClientSession) -> None:
    """Who finds no connection to an owner in time hears 503; the log names no query."""
    bounds = Bounds(pool=1, connect_seconds=0.2)
    async with owning(silence) as owner, before(owner.url, bounds=bounds) as gateway:
        held = asyncio.create_task(http.get(url(gateway, MEETINGS)))
        async with asyncio.timeout(PATIENCE):
            while not owner.asked:
                await asyncio.sleep(0.01)
            with capture_logs() as logs:
                async with http.get(url(gateway, MEETINGS + "?token=secret-3")) as answer:
                    await unavailable(answer, "meeting")
        assert "secret-" not in repr(logs)
        held.cancel()


async def _status(gateway: Gateway, sent: bytes) -> int:
    """Send bytes on a connection of their own; the status of the first answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(sent)
    async with asyncio.timeout(PATIENCE):
        line = await reader.readline()
    writer.close()
    return int(line.split()[1])


async def _statuses(gateway: Gateway, sent: bytes) -> list[int]:
    """Send bytes and read to the end; all statuses."""
    reader, writer = await asyncio.open_connection("127.0.0.1", gateway.port)
    writer.write(sent)
    async with asyncio.timeout(PATIENCE):
        said = await reader.read()
    writer.close()
    return [int(found) for found in re.findall(rb"HTTP/1\.[01] (\d{3}) ", said)]
