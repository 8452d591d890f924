"""Tickets over REST, on the port of everything and on the signalling port, by a real process."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import pytest

from tests.process import Client, Server, serving

PATHS = [
    ("http", "/api/v1/signaling/ticket"),
    ("signaling", "/api/v1/signaling/ticket"),
    ("signaling", "/signaling/ticket"),
]


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[Server]:
    """Serve without an engine."""
    async with serving(tmp_path, engine__mode="external", models__pull="false") as made:
        yield made


async def test_a_ticket_from_any_port_opens_one_socket_on_any(server: Server) -> None:
    """What is given for a meeting and a peer_id joins there, once, and nowhere else."""
    async with aiohttp.ClientSession() as http:
        user = await Client(server.url["http"], http).enter("ada")
        meeting, other = await user.meeting(), await user.meeting()
        bearer = {"Authorization": f"Bearer {user.token}"}
        for number, (port, path) in enumerate(PATHS):
            wanted = {"meeting_id": meeting, "peer_id": f"tab{number}"}
            async with http.post(server.url[port] + path, json=wanted, headers=bearer) as response:
                assert response.status == 200
                data = (await response.json())["data"]
            assert data.keys() == {"ticket", "expires_in"}
            assert data["expires_in"] == 60
            for where, status in (("signaling", 101), ("http", 401), ("signaling", 401)):
                url = server.url[where].replace("http", "ws", 1) + f"/ws?ticket={data['ticket']}"
                if status == 401:
                    with pytest.raises(aiohttp.WSServerHandshakeError) as refusal:
                        await http.ws_connect(url)
                    assert refusal.value.status == 401
                    continue
                async with http.ws_connect(url) as socket:
                    await socket.send_json({"type": "join", "room_id": f"room_{other}"})
                    assert (await socket.receive_json(timeout=10))["code"] == 403
                    await socket.send_json({"type": "join"})
                    joined = await socket.receive_json(timeout=10)
                    assert (joined["meeting_id"], joined["peer_id"]) == (meeting, f"tab{number}")
        async with http.post(server.url["http"] + PATHS[0][1], headers=bearer) as response:
            assert response.status == 200  # a body is not needed


BODIES: list[tuple[object, int]] = [
    ({"meeting_id": 0}, 400),
    ({"meeting_id": 2**32 - 1}, 400),
    ({"meeting_id": "x"}, 400),
    ({"peer_id": ""}, 400),
    ({"peer_id": "a b"}, 400),
    ({"peer_id": "a\n"}, 400),
    ([], 400),
    ({"x": "y" * 2**20}, 413),
]


async def test_the_signalling_port_has_the_same_gate(server: Server) -> None:
    """401 before the body, 413, 400 with the field, 404 for what is not served here."""
    at = server.url["signaling"]
    async with aiohttp.ClientSession() as http:
        user = await Client(server.url["http"], http).enter("ada")
        bearer = {"Authorization": f"Bearer {user.token}"}
        for body, status in BODIES:
            sent = json.dumps(body).encode()
            async with http.post(at + "/signaling/ticket", data=io.BytesIO(sent)) as response:
                assert response.status == 401
            async with http.post(
                at + "/signaling/ticket", data=io.BytesIO(sent), headers=bearer
            ) as response:
                answer = await response.json()
                assert response.status == status
                assert answer["error"]["details"], answer
        for path, expected in (("/health", 200), ("/ready", 503), ("/meetings", 404)):
            async with http.get(at + path, headers=bearer) as response:
                assert response.status == expected, path
        async with http.get(at + "/health") as response:
            assert await response.json() == {"status": "alive"}
        async with http.get(at + "/ready") as response:
            assert set(await response.json()) == {"status", "modules"}
    assert server.tracebacks() == []


async def test_broken_bodies_on_the_signalling_port_do_no_harm(server: Server) -> None:
    """Broken chunks and a client that goes in the middle of its body leave no traceback."""
    async with aiohttp.ClientSession() as http:
        user = await Client(server.url["http"], http).enter("ada")
        at = server.url["signaling"]
        host, _, port = at.removeprefix("http://").partition(":")
        head = (
            f"POST /signaling/ticket HTTP/1.1\r\nHost: {host}\r\n"
            f"Authorization: Bearer {user.token}\r\n"
        ).encode()
        for rest in (
            b"Transfer-Encoding: chunked\r\n\r\nzz\r\n",
            b'Transfer-Encoding: chunked\r\n\r\n4\r\n{"x\r\n5;',
            b"Content-Length: 9\r\n\r\n{",
            b"Content-Length: x\r\n\r\n{",
        ):
            reader, writer = await asyncio.open_connection(host, int(port))
            writer.write(head + rest)
            await writer.drain()
            writer.write_eof()
            answer = await asyncio.wait_for(reader.read(), 10)
            assert b" 500 " not in answer.split(b"\r\n")[0]
            writer.close()
        async with http.get(at + "/health") as response:
            assert response.status == 200
    assert server.tracebacks() == [], json.dumps(server.tracebacks())
