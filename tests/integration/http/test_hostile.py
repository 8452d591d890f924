"""Whatever bytes come as a body: a 4xx, no traceback, a living process, and stores as they were."""

import asyncio
import http.client
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from hypothesis import HealthCheck, given, settings, strategies as st

from tests.process import Client, serving

EXAMPLES = 2000
FIELDS = ["username", "password", "email", "title", "refresh_token", "start_time", "audio_data"]
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=8), inner, max_size=5)
    ),
    max_leaves=20,
)
TEXTS = VALUES.map(lambda value: json.dumps(value).encode())
ESCAPES = st.sampled_from(
    [rb"\ud800", rb"\udc00\ud800", rb"\u0000", rb"\x", b"\xff", b"\xed\xa0\x80"]
)
DEEP = st.integers(30, 3000).flatmap(
    lambda depth: st.sampled_from([b"[" * depth, b'{"a":' * depth, b"[" * depth + b"]" * depth])
)
BODIES = st.one_of(
    st.binary(max_size=200),
    TEXTS,
    DEEP,
    st.tuples(TEXTS, st.integers(0, 200), st.binary(max_size=4) | ESCAPES).map(
        lambda cut: cut[0][: cut[1]] + cut[2] + cut[0][cut[1] :]
    ),
    ESCAPES.map(lambda escape: b'{"title":"' + escape + b'","username":"' + escape + b'"}'),
)
PATHS = ("/meetings", "/auth/register", "/auth/login", "/auth/refresh", "/ai/asr")


def rows(state: Path) -> list[str]:
    """Read every row of the server's database, past all our code."""
    (file,) = state.glob("*.db")
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as opened:
        return list(_dumped(opened))


def _dumped(opened: sqlite3.Connection) -> Iterator[str]:
    yield from opened.iterdump()


def hail(url: str, token: str) -> None:
    """Send the bodies over one connection, by the standard library alone."""
    place = urlsplit(url)
    assert place.hostname
    line = http.client.HTTPConnection(place.hostname, place.port or 80, timeout=20)

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        suppress_health_check=[HealthCheck.too_slow],
    )
    @given(body=BODIES, path=st.sampled_from(PATHS))
    def send(body: bytes, path: str) -> None:
        line.request("POST", f"/api/v1{path}", body, {"Authorization": f"Bearer {token}"})
        answer = line.getresponse()
        told: dict[str, Any] = json.loads(answer.read())
        assert 400 <= answer.status < 500, (answer.status, path, body)
        assert told["error"]["type"]

    send()
    line.close()


async def test_no_bytes_are_more_than_the_client_s_mistake(tmp_path: Path) -> None:
    """Two thousand hostile bodies against a real process leave no trace but their 4xx."""
    async with (
        serving(tmp_path, engine__mode="external", models__pull="false") as server,
        aiohttp.ClientSession() as session,
    ):
        client = await Client(server.url["http"], session).enter("alice")
        before = await asyncio.to_thread(rows, tmp_path)
        await asyncio.to_thread(hail, server.url["http"], client.token)
        assert await asyncio.to_thread(rows, tmp_path) == before
        assert (await client.ask("GET", "/users/profile"))[0] == 200
        assert server.process.returncode is None
    assert server.tracebacks() == []
