"""Where the engine runs, and what a house does without it: nothing goes around its socket."""

import asyncio
import base64
import socket
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from tests.process import Client, Server, serving
from tests.recordings import spoken

FACE = "face-real-real00240.jpg"
SOON = 10
"""Seconds within which a house says that its engine is gone; the deadline of speech is 120."""
PATIENCE = 60


async def speaker(server: Server, http: aiohttp.ClientSession) -> tuple[Client, dict[str, Any]]:
    """Bring somebody into a meeting; them, and a request for speech without its audio."""
    ann = await Client(server.url["http"], http).enter("ann")
    return ann, {"meeting_id": await ann.meeting(), "language": "en"}


async def refused(
    client: Client, request: dict[str, Any], task: str = "speech-recognition"
) -> None:
    """Ask for what can't be had: 503 soon, with the reason and without a result."""
    async with asyncio.timeout(SOON):
        status, answer = await client.ask("POST", f"/ai/{task}", request)
    assert (status, answer["code"], answer["error"]["type"]) == (503, 40001, "ai_unavailable")
    assert answer["error"]["details"]["reason"]
    assert "data" not in answer


async def works(client: Client, meeting_id: int) -> None:
    """Use the rest of the house."""
    await client.data("GET", f"/meetings/{meeting_id}")
    await (await client.socket(meeting_id)).close()


@pytest.fixture
def nobody() -> str:
    """An endpoint at which nothing listens."""
    with socket.create_server(("127.0.0.1", 0)) as closed:
        return f"tcp://127.0.0.1:{closed.getsockname()[1]}"


async def test_nobody_at_the_endpoint(tmp_path: Path, nobody: str, shared: Path) -> None:
    """Speech is 503 in seconds, for several at once too, on both ports; the rest works.

    Emotion and deepfake detection, whose models are not here, are 503 likewise.
    """
    settings = {"engine__mode": "external", "engine__endpoint": nobody}
    async with serving(tmp_path, **settings) as server, aiohttp.ClientSession() as http:
        ann, request = await speaker(server, http)
        request["audio_data"] = spoken(shared, 1)
        elsewhere = Client(server.url["ai"], http)
        elsewhere.token = ann.token
        await asyncio.gather(*(refused(each, request) for each in (ann, ann, ann, elsewhere)))
        await works(ann, request["meeting_id"])
        picture = {"meeting_id": request["meeting_id"]}
        picture["video_frame"] = base64.b64encode((shared / "media" / FACE).read_bytes()).decode()
        for task in ("emotion", "deepfake"):
            await refused(ann, picture, f"{task}-detection")
        assert (await ann.data("GET", f"/ai/analysis/{request['meeting_id']}"))["list"] == []
    assert server.tracebacks() == []


def begins(server: Server) -> int:
    """Count the recognitions that began."""
    return sum(line.get("event") == "speech begins" for line in server.lines)


async def heard(client: Client, request: dict[str, Any]) -> str:
    """Ask for speech until an engine answers; the text."""
    async with asyncio.timeout(PATIENCE):
        while True:
            status, answer = await client.ask("POST", "/ai/speech-recognition", request)
            if status == 200:
                return str(answer["data"]["text"])
            assert (status, answer["code"]) == (503, 40001)
            await asyncio.sleep(0.1)


async def test_an_engine_in_a_child(tmp_path: Path, models: Path, shared: Path) -> None:
    """It recognises; while it stands still or is dead speech is 503, and afterwards works again."""
    settings = {"engine__mode": "process", "models__folder": str(models), "models__pull": "false"}
    async with serving(tmp_path, **settings) as server, aiohttp.ClientSession() as http:
        await server.ready()
        (engine,) = psutil.Process(server.process.pid).children()
        assert engine.name() == "meeting-engine"
        ann, request = await speaker(server, http)
        request["audio_data"] = spoken(shared, 2)
        assert "sorrow" in await heard(ann, request)
        engine.suspend()
        await refused(ann, request)
        await works(ann, request["meeting_id"])
        engine.resume()
        assert "sorrow" in await heard(ann, request)
        begun = begins(server)
        long = request | {"audio_data": spoken(shared, 8)}
        lost = asyncio.create_task(refused(ann, long))
        while begins(server) == begun:
            await asyncio.sleep(0.01)
        engine.kill()
        await lost
        assert "sorrow" in await heard(ann, request)
        (another,) = psutil.Process(server.process.pid).children()
        assert another.pid != engine.pid
        assert len((await ann.data("GET", f"/ai/analysis/{request['meeting_id']}"))["list"]) == 3
        assert await server.stop() == 0
        assert not another.is_running()
    assert server.tracebacks() == []
