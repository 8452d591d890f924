"""What a real process logs: who asked for what, and nothing of what was said or kept secret."""

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.process import Client, serving

PASSWORD = "correct horse"
MARK = "mark-of-"
"""Everything that may not be logged carries it, or is looked for by itself."""


def marked(name: str) -> str:
    """Return a text that is recognised wherever it turns up."""
    return MARK + name


async def talk(socket: aiohttp.ClientWebSocketResponse, peer: str) -> None:
    """Send what people say to each other over a socket, well-formed and not."""
    offer = {"type": "offer", "to_peer_id": peer, "sdp": marked("sdp")}
    await socket.send_json(offer)
    await socket.send_json(
        {"type": "ice_candidate", "to_peer_id": peer, "candidate": marked("ice")}
    )
    await socket.send_json({"type": marked("type"), "payload": marked("payload")})
    await socket.send_str("{" + marked("broken"))
    await socket.send_bytes(marked("bytes").encode())
    await socket.send_json({"type": "ping"})
    while (await socket.receive_json(timeout=20))["type"] != "pong":
        pass


async def knock(http: aiohttp.ClientSession, url: str) -> None:
    """Ask for a socket with credentials that are none."""
    for query in ({"token": marked("token")}, {"ticket": marked("ticket")}, {marked("key"): "1"}):
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await http.ws_connect(url + "/ws", params=query)


async def attempts(client: Client, meeting_id: int) -> Sequence[int]:
    """Send secrets and payloads wherever a client can put them; the statuses."""
    audio = base64.b64encode(marked("audio").encode() * 100).decode()
    speech = {"audio_data": audio, "meeting_id": meeting_id}
    join = f"/meetings/{meeting_id}/join"
    asked = [
        await client.ask("GET", f"/meetings?q={marked('query')}&access_token={marked('token')}"),
        await client.ask("GET", f"/{marked('path')}/{marked('path')}"),
        await client.ask("GET", f"/meetings/{marked('id')}"),
        await client.ask("POST", join, {"password": marked("wrong")}),
        await client.ask("POST", "/ai/speech-recognition", speech),
        await client.ask("POST", "/ai/speech-recognition", speech | {"format": marked("format")}),
        await client.ask("POST", "/meetings", {"title": 7, "password": marked("seven")}),
        await client.ask("GET", "/meetings", Authorization=f"Bearer {marked('bearer')}"),
        await client.ask("GET", "/meetings", **{"User-Agent": marked("agent")}),
        await client.ask("POST", join, {"password": ""}, **{"Idempotency-Key": marked("key")}),
        await client.ask("POST", "/auth/login", {"username": "x", "password": marked("x")}),
        await client.ask("POST", "/auth/refresh", {"refresh_token": marked("refresh")}),
    ]
    async with client.http.post(
        client.url + "/api/v1/auth/login", data=b'{"username": "' + MARK.encode()
    ) as broken:
        return [*(status for status, _ in asked), broken.status]


@pytest.mark.parametrize("level", ["info", "debug"])
async def test_ids_and_no_secrets(tmp_path: Path, level: str) -> None:
    """JSON lines with ids; no password, token, ticket, audio, frame, title or query string."""
    settings = {"engine__mode": "external", "models__pull": "false", "log__level": level}
    async with serving(tmp_path, **settings) as server, aiohttp.ClientSession() as http:
        ann = await Client(server.url["http"], http).enter("ann")
        login = {"username": "ann", "password": PASSWORD}
        again = await ann.data("POST", "/auth/login", login)
        meeting_id = await ann.meeting(title=marked("title"), password=marked("password"))
        seat = await ann.data(
            "POST", f"/meetings/{meeting_id}/join", {}, **{"X-Request-ID": "asked-by-ann"}
        )
        ticket = (await ann.data("POST", "/signaling/ticket"))["ticket"]
        room = await ann.socket(meeting_id, ticket=seat["token"])
        second = await ann.socket(meeting_id, ticket=ticket, peer_id="second")
        await talk(room, "second")
        await knock(http, server.url["http"])
        await knock(http, server.url["signaling"])
        statuses = await attempts(ann, meeting_id)
        await second.close()
        await ann.data("POST", "/auth/logout", {"refresh_token": again["refresh_token"]})
        while (await room.receive(timeout=20)).type is aiohttp.WSMsgType.TEXT:
            pass
    assert {status // 100 for status in statuses} == {2, 4, 5}, statuses
    everything = str(server.lines)
    hidden = [MARK, PASSWORD, "example.org", seat["token"], ticket, ann.token]
    hidden += [again["token"], again["refresh_token"], base64.b64encode(MARK.encode())[:8].decode()]
    assert [secret for secret in hidden if secret in everything] == []
    assert (tmp_path / "signing.key").read_text().strip() not in everything
    assert server.tracebacks() == []
    strange = [line for line in server.lines if line["event"].startswith("ASGI")]
    assert strange == []  # a socket that is refused is no error of ours
    named(server.lines, ann.user_id, meeting_id)


def named(lines: Sequence[dict[str, Any]], user_id: int, meeting_id: int) -> None:
    """Hold the lines of requests to the ids that they must have."""
    requests = [line for line in lines if line["event"] == "request"]
    assert all(line["request_id"] for line in requests)
    assert len({line["request_id"] for line in requests}) == len(requests)
    (join,) = [line for line in requests if line["request_id"] == "asked-by-ann"]
    assert (join["user_id"], join["meeting_id"]) == (user_id, meeting_id)
    assert join["path"] == "/api/v1/meetings/{meeting_id}/join"
    assert all("timestamp" in line and "level" in line for line in lines)
    sockets = [line for line in lines if line["event"].startswith("socket")]
    assert {(line["user_id"], line["meeting_id"]) for line in sockets} == {(user_id, meeting_id)}
