"""What every request passes before its route, over real sockets."""

import asyncio
import io
import json
import re
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any

import msgspec
import pytest
from litestar import get, post
from litestar.handlers import HTTPRouteHandler
from sqlalchemy import text
from structlog.testing import capture_logs

from meeting.kernel.call import Call
from meeting.kernel.page import Found, Page
from meeting.transports.http import health
from meeting.transports.http.envelope import Envelope, Envelopes, Paged, paged
from meeting.transports.http.limits import Limits
from tests.clock import MovingClock
from tests.front import PASSWORD, Front, Way, front

envelope = Envelopes(MovingClock())


class Title(msgspec.Struct):
    """A body with one field."""

    title: Annotated[str, msgspec.Meta(max_length=2**24)]


def echo() -> Sequence[HTTPRouteHandler]:
    """Make routes that show what reached them, on rows that the table has."""

    @post("/meetings", status_code=201)
    async def create(data: Title, call: Call) -> Envelope[Title]:
        return envelope(call, data, 201)

    @get("/meetings")
    async def find(call: Call, page: Page) -> Envelope[Paged[int]]:
        return envelope(call, paged(Found(list(range(page.size)), 41), page, int))

    @get("/meetings/{meeting_id:int}")
    async def show(call: Call, meeting_id: int) -> Envelope[int]:
        return envelope(call, meeting_id)

    @post("/ai/asr", status_code=200)
    async def speech(data: Title, call: Call) -> Envelope[int]:
        return envelope(call, len(data.title))

    @post("/meetings/{meeting_id:int}/start", status_code=200)
    async def broken(call: Call, meeting_id: int) -> Envelope[int]:
        return envelope(call, meeting_id // (meeting_id - meeting_id))

    @post("/meetings/{meeting_id:int}/end", status_code=200)
    async def endless(call: Call, meeting_id: int) -> Envelope[int]:
        await asyncio.Event().wait()
        return envelope(call, meeting_id)

    return [create, find, show, speech, broken, endless]


@pytest.fixture
async def house(way: Way, tmp_path: Path) -> AsyncIterator[Front]:
    """One house a test, with the echoing routes."""
    origins = ["https://app.example.org"]
    async with front(tmp_path, way=way, routes=echo(), origins=origins) as opened:
        yield opened


class Wire:
    """A bare connection, for what no client library would send."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader = reader
        self.writer = writer

    @classmethod
    async def to(cls, house: Front) -> "Wire":
        """Connect."""
        return cls(*await asyncio.open_connection("127.0.0.1", int(house.url.rsplit(":", 1)[1])))

    async def send(self, sent: bytes) -> None:
        """Send bytes as they are."""
        self.writer.write(sent)
        await self.writer.drain()

    async def answer(self) -> tuple[int, Any]:
        """Read one answer; status and JSON."""
        async with asyncio.timeout(10):
            head = await self.reader.readuntil(b"\r\n\r\n")
            length = re.search(rb"(?i)content-length: (\d+)", head)
            assert length
            body = await self.reader.readexactly(int(length[1]))
        return int(head.split()[1]), json.loads(body) if body.startswith(b"{") else body.decode()

    async def close(self) -> None:
        """Hang up."""
        self.writer.close()
        await self.writer.wait_closed()


def head(path: str, headers: dict[str, str], *more: str) -> bytes:
    """Write the head of a POST."""
    lines = [f"POST {path} HTTP/1.1", "Host: x", *(f"{k}: {v}" for k, v in headers.items()), *more]
    return "\r\n".join([*lines, "", ""]).encode()


async def test_health_and_ready_have_no_envelope(house: Front) -> None:
    """Anybody may ask whether the process lives and is ready; not ready is 503 with reasons."""
    async with house.client.get("/health") as response:
        assert (response.status, await response.json()) == (200, {"status": "alive"})
    async with house.client.get("/ready") as response:
        assert response.status == 200
        assert await response.json() == {
            "status": "ready",
            "modules": {"user": {"state": "running", "reason": ""}},
        }
    house.state = health.Readiness("draining", {"user": health.ModuleState("stopping", "SIGTERM")})
    async with house.client.get("/ready") as response:
        assert response.status == 503
        assert (await response.json())["status"] == "draining"


async def test_schema_describes_the_routes(house: Front) -> None:
    """The OpenAPI description is open to all and names every route of the port."""
    async with house.client.get("/schema") as response:
        assert response.status == 200
        described = json.loads(await response.read())
    assert described["openapi"].startswith("3.")
    assert {"/api/v1/auth/login", "/api/v1/meetings/{meeting_id}", "/health"} <= set(
        described["paths"]
    )


async def test_unknown_routes_and_methods(house: Front) -> None:
    """Without a token 401; with one 404, or 405 with what the route takes."""
    headers = await house.bearer()
    assert (await house.get("/csrf-token"))[0] == 401
    status, answer = await house.get("/csrf-token", headers=headers)
    assert (status, answer["code"], answer["error"]["type"]) == (404, 404, "not_found")
    assert "data" not in answer
    async with house.client.put("/api/v1/meetings", headers=headers) as response:
        answer = await response.json()
        assert (response.status, answer["code"]) == (405, 405)
        assert response.headers["Allow"] == "GET, POST"
    status, answer = await house.get("/auth/login")
    assert (status, answer["error"]["type"]) == (405, "method_not_allowed")
    for path in ("/schema/own", "/schema/openapi.json", "/api/v1//meetings", "/api/v1/meetings/0"):
        async with house.client.get(path, headers=headers) as response:
            assert response.status in (400, 404)


@pytest.mark.parametrize(
    ("sent", "kept"),
    [
        ("abc-123", True),
        ("x" * 64, True),
        ("x" * 65, False),
        ("a b", False),
        ("ä", False),
        ("", False),
    ],
)
async def test_request_id_goes_through(house: Front, sent: str, kept: bool) -> None:
    """A good X-Request-ID is taken over, any other is replaced; header and body agree."""
    async with house.client.get("/api/v1/meetings", headers={"X-Request-ID": sent}) as response:
        found = (await response.json())["request_id"]
        assert response.headers["X-Request-ID"] == found
    assert (found == sent) is kept
    assert kept or re.fullmatch("[0-9a-f]{32}", found)


HOSTILE: dict[str, bytes] = {
    "nothing": b"",
    "cut": b'{"title":"x"',
    "no json": b"title=x",
    "not utf-8": b'{"title":"\xff\xfe"}',
    "not utf-8 in an unknown field": b'{"title":"x","y":"\xff"}',
    "surrogate": b'{"title":"\\ud800"}',
    "surrogate and more": b'{"title":"\\ud800 and more text"}',
    "low surrogate": b'{"title":"\\udc00"}',
    "swapped surrogates": b'{"title":"\\udc00\\ud800"}',
    "surrogate in utf-8": b'{"title":"\xed\xa0\x80"}',
    "surrogate in an unknown field": b'{"title":"x","y":"\\ud800 and more"}',
    "NaN": b'{"title":NaN}',
    "NaN in an unknown field": b'{"title":"x","y":NaN}',
    "infinite": b'{"title":"x","y":1e999}',
    "minus infinity": b'{"title":"x","y":-Infinity}',
    "deep": b'{"title":"x","y":' + b"[" * 33 + b"]" * 33 + b"}",
    "very deep": b"[" * 200_000,
    "very deep within": b'{"y":' + b'{"a":' * 100_000,
    "null": b"null",
    "array": b"[1]",
    "number": b"7",
    "text": b'"x"',
    "wrong type": b'{"title":7}',
    "NUL": b'{"title":"\\u0000"}',
    "two values": b'{"title":"x"}{"title":"y"}',
    "bom": b'\xef\xbb\xbf{"title":"x"}',
}


@pytest.mark.parametrize("case", HOSTILE)
async def test_hostile_json_is_the_client_s_mistake(house: Front, case: str) -> None:
    """No bytes sent as a body are more than a 400 `validation`."""
    headers = await house.bearer()
    async with house.client.post("/api/v1/meetings", data=HOSTILE[case], headers=headers) as got:
        answer = await got.json()
    assert (got.status, answer["code"], answer["error"]["type"]) == (400, 400, "validation")
    assert answer["error"]["details"]


async def test_good_json_passes_whatever_it_is_called(house: Front) -> None:
    """Unknown fields, thirty-two levels, escaped pairs and other content types are no mistake."""
    headers = await house.bearer()
    body = b'{"title":"\\ud83d\\ude00","y":' + b"[" * 31 + b"]" * 31 + b"}"
    headers["Content-Type"] = "text/plain"
    async with house.client.post("/api/v1/meetings", data=body, headers=headers) as response:
        assert response.status == 201
        assert (await response.json())["data"] == {"title": "😀"}


async def test_no_token_is_401_before_the_body_is_read(house: Front) -> None:
    """The answer comes though the body never does."""
    wire = await Wire.to(house)
    await wire.send(head("/api/v1/meetings", {}, "Content-Length: 1000"))
    assert (await wire.answer())[0] == 401
    await wire.close()


async def test_too_large_is_told_by_the_declared_length(house: Front) -> None:
    """A Content-Length over 1 MB is 413 before a byte of the body is sent."""
    headers = await house.bearer()
    wire = await Wire.to(house)
    await wire.send(head("/api/v1/meetings", headers, f"Content-Length: {2**20 + 1}"))
    status, answer = await wire.answer()
    assert (status, answer["code"], answer["error"]["type"]) == (413, 30003, "too_large")
    await wire.close()


async def test_too_large_is_told_early_in_chunks(house: Front) -> None:
    """A body without length is cut off soon after its bound, and its sender hears why."""
    headers = await house.bearer()
    wire = await Wire.to(house)
    await wire.send(head("/api/v1/meetings", headers, "Transfer-Encoding: chunked"))
    chunk = b"10000\r\n" + b" " * 2**16 + b"\r\n"
    for _ in range(18):
        await wire.send(chunk)
    status, answer = await wire.answer()
    assert (status, answer["code"]) == (413, 30003)
    await wire.close()


@pytest.mark.parametrize("chunked", [False, True])
async def test_bounds_are_by_route(house: Front, chunked: bool) -> None:
    """A body of exactly 1 MB passes; one of 2 MB passes where audio is sent and nowhere else."""
    headers = await house.bearer()

    async def send(path: str, size: int) -> int:
        sent = b'{"title":"' + b"a" * (size - 12) + b'"}'

        async def parts() -> AsyncIterator[bytes]:
            for start in range(0, size, 2**16):
                yield sent[start : start + 2**16]

        data = parts() if chunked else io.BytesIO(sent)
        async with house.client.post(path, data=data, headers=headers) as response:
            return response.status

    assert await send("/api/v1/meetings", 2**20) == 201
    assert await send("/api/v1/meetings", 2**20 + 1) == 413
    assert await send("/api/v1/ai/asr", 2**21) == 200


async def test_a_user_has_so_many_requests_a_minute(way: Way, tmp_path: Path) -> None:
    """The request after the last is 429 with Retry-After; another user and the next minute pass."""
    async with front(tmp_path, way=way, limits=Limits(per_user=3)) as house:
        alice, bob = await house.bearer("alice"), await house.bearer("bob")
        for _ in range(3):
            assert (await house.get("/users/profile", headers=alice))[0] == 200
        house.clock.move(timedelta(seconds=10))
        async with house.client.get("/api/v1/users/profile", headers=alice) as response:
            answer = await response.json()
            assert (response.status, answer["code"]) == (429, 429)
            assert response.headers["Retry-After"] == "50"
        assert (await house.get("/users/profile", headers=bob))[0] == 200
        house.clock.move(timedelta(seconds=50))
        assert (await house.get("/users/profile", headers=alice))[0] == 200


@pytest.mark.parametrize("name", ["alice", "nobody"])
async def test_a_name_has_ten_tries_a_minute(house: Front, name: str) -> None:
    """The eleventh login under a name is 429, known or not, however it is spelt."""
    await house.register("alice")
    wrong = {"username": name, "password": "wrong horse"}
    tries = 9 if name == "alice" else 10
    for _ in range(tries):
        assert (await house.post("/auth/login", wrong))[0] == 401
    right = {"username": name.upper(), "password": PASSWORD}
    assert (await house.post("/auth/login", right))[0] == 429
    assert (await house.post("/auth/login", {"username": "bob", "password": "x"}))[0] == 401
    house.clock.move(timedelta(seconds=60))
    assert (await house.post("/auth/login", wrong))[0] == 401


async def test_an_address_has_so_many_tries_a_minute(way: Way, tmp_path: Path) -> None:
    """All of `/auth/*` from one address counts together; other routes do not."""
    async with front(tmp_path, way=way, limits=Limits(per_address=4)) as house:
        headers = await house.bearer()
        for number in range(2):
            sent = {"refresh_token": str(number)}
            assert (await house.post("/auth/refresh", sent))[0] == 401
        assert (await house.post("/auth/refresh", {"refresh_token": "x"}))[0] == 429
        assert (await house.get("/users/profile", headers=headers))[0] == 200


async def test_own_pages_and_named_ones_may_call(house: Front) -> None:
    """The own host and `http.origins` get CORS headers; no Origin needs none (weakness 18)."""
    headers = await house.bearer()
    for origin in (house.url, "https://app.example.org"):
        sent = headers | {"Origin": origin}
        async with house.client.get("/api/v1/users/profile", headers=sent) as response:
            assert response.status == 200
            assert response.headers["Access-Control-Allow-Origin"] == origin
            assert "Access-Control-Allow-Credentials" not in response.headers
    async with house.client.get("/api/v1/users/profile", headers=headers) as response:
        assert response.status == 200
        assert "Access-Control-Allow-Origin" not in response.headers


async def test_other_pages_may_not_call(house: Front) -> None:
    """A page of another origin is 403 even with a good token, and gets no CORS header."""
    headers = await house.bearer() | {"Origin": "https://evil.example"}
    async with house.client.get("/api/v1/users/profile", headers=headers) as response:
        assert (response.status, (await response.json())["code"]) == (403, 403)
        assert "Access-Control-Allow-Origin" not in response.headers
    wanted = {"username": "eve", "email": "eve@example.org", "password": PASSWORD}
    status, _ = await house.post("/auth/register", wanted, headers={"Origin": "null"})
    assert status == 403


async def test_preflight(house: Front) -> None:
    """A browser's question is answered without token, and with no for foreign pages."""
    asked = {"Access-Control-Request-Method": "POST", "Origin": "https://app.example.org"}
    async with house.client.options("/api/v1/meetings", headers=asked) as response:
        assert response.status == 204
        assert response.headers["Access-Control-Allow-Methods"] == "GET, POST"
        assert "Authorization" in response.headers["Access-Control-Allow-Headers"]
    asked["Origin"] = "https://evil.example"
    async with house.client.options("/api/v1/meetings", headers=asked) as response:
        assert response.status == 403
        assert "Access-Control-Allow-Origin" not in response.headers


@pytest.mark.parametrize(
    ("query", "page", "size"), [("", 1, 20), ("?page=3", 3, 20), ("?page_size=100&page=2", 2, 100)]
)
async def test_pages(house: Front, query: str, page: int, size: int) -> None:
    """Lists say which page they are and how many there are."""
    status, answer = await house.get(f"/meetings{query}", headers=await house.bearer())
    assert status == 200
    assert answer["data"] == {
        "list": list(range(size)),
        "total": 41,
        "page": page,
        "page_size": size,
        "total_pages": -(-41 // size),
    }


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("page=0", "page"),
        ("page=-1", "page"),
        ("page=x", "page"),
        ("page=1e3", "page"),
        ("page=" + "9" * 99, "page"),
        ("page=%ff", "page"),
        ("page_size=0", "page_size"),
        ("page_size=101", "page_size"),
        ("page_size=", "page_size"),
    ],
)
async def test_pages_that_are_none(house: Front, query: str, field: str) -> None:
    """A page or size out of bounds is 400 and named."""
    status, answer = await house.get(f"/meetings?{query}", headers=await house.bearer())
    assert status == 400
    assert list(answer["error"]["details"]) == [field]


async def test_errors_speak_the_client_s_language(house: Front) -> None:
    """`Accept-Language` chooses the text; type and code stay."""
    status, answer = await house.get("/meetings", headers={"Accept-Language": "zh-CN,zh;q=0.9"})
    assert (status, answer["code"]) == (401, 10004)
    assert answer["message"].startswith("需要令牌")


async def test_what_breaks_is_500_and_tells_nothing(house: Front) -> None:
    """An error of ours is `internal` in the contract's form, without a word of the traceback."""
    headers = await house.bearer()
    with capture_logs() as logs:
        status, answer = await house.post("/meetings/7/start", headers=headers)
    assert (status, answer["code"], answer["error"]["type"]) == (500, 500, "internal")
    assert "ZeroDivision" not in json.dumps(answer)
    assert [entry["event"] for entry in logs if entry["log_level"] == "error"] == ["request failed"]


async def test_what_takes_too_long_is_stopped(way: Way, tmp_path: Path) -> None:
    """A route that outlives its time is ended and answered by 503 `deadline`."""
    async with front(tmp_path, way=way, routes=echo(), limits=Limits(json_seconds=1.5)) as house:
        headers = await house.bearer()
        async with asyncio.timeout(20):
            status, answer = await house.post("/meetings/7/end", headers=headers)
    assert (status, answer["code"], answer["error"]["type"]) == (503, 503, "deadline")


async def test_the_log_holds_ids_and_no_secrets(house: Front) -> None:
    """One line a request: ids, method, template, status; no query, no body, no token."""
    headers = await house.bearer() | {"X-Request-ID": "seen-1"}
    with capture_logs() as logs:
        await house.post("/meetings?token=secret-1", {"title": "secret-2"}, headers=headers)
        await house.get("/meetings/7?ticket=secret-3", headers=headers)
        await house.get("/nowhere/secret-4", headers=headers)
    lines = [entry for entry in logs if entry["event"] == "request" and "owner" not in entry]
    assert [(e["method"], e["path"], e["status"], e["user_id"]) for e in lines] == [
        ("POST", "/api/v1/meetings", 201, 1),
        ("GET", "/api/v1/meetings/{meeting_id}", 200, 1),
        ("GET", "", 404, 1),
    ]
    assert [entry.get("meeting_id") for entry in lines] == [None, 7, None]
    everything = repr(logs)
    assert "secret-" not in everything
    assert headers["Authorization"].split()[1] not in everything


@pytest.mark.parametrize(
    "sent",
    [
        b"\x00\x01\x02\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"GET /\xff HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /api/v1/meetings HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"a" * 200_000,
    ],
    ids=lambda sent: repr(sent[:24]),
)
async def test_what_is_no_http_is_refused_and_the_server_lives(house: Front, sent: bytes) -> None:
    """Bytes that are no request, or an endless head, get a 4xx; the next client is served."""
    wire = await Wire.to(house)
    await wire.send(sent)
    status, _ = await wire.answer()
    assert 400 <= status < 500
    await wire.close()
    async with house.client.get("/health") as response:
        assert response.status == 200


async def test_rejected_input_leaves_the_store_as_it_was(house: Front) -> None:
    """After a hail of bad requests the rows are what they were."""
    headers = await house.bearer()

    async def dump() -> list[Any]:
        async with house.database.read() as connection:
            found = []
            for table in ("users", "user_refresh_tokens", "idempotency_answers", "outbox"):
                rows = await connection.execute(text(f"SELECT * FROM {table}"))  # noqa: S608
                found.append(list(rows))
            return found

    before = await dump()
    for body in HOSTILE.values():
        for path in ("/meetings", "/auth/register", "/auth/login", "/auth/refresh"):
            url = f"/api/v1{path}"
            async with house.client.post(url, data=body, headers=headers) as response:
                assert response.status in (400, 429)
    assert await dump() == before


async def test_operations_have_names_of_their_own(way: Way, tmp_path: Path) -> None:
    """Routes whose paths differ by a slash alone are described side by side."""

    @post("/ai/speech-recognition")
    async def one() -> None:
        """Answer nothing."""

    @post("/ai/speech/recognition")
    async def other() -> None:
        """Answer nothing."""

    async with (
        front(tmp_path, way=way, routes=[one, other]) as house,
        house.client.get("/schema") as response,
    ):
        paths = json.loads(await response.read())["paths"]
    names = [operation["operationId"] for path in paths.values() for operation in path.values()]
    assert len(set(names)) == len(names)
    assert "POST /api/v1/ai/speech/recognition" in names
