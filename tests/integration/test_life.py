"""One process from start to end: how it stops, what it refuses, and what it says."""

import asyncio
import base64
import signal
import socket
import sqlite3
import subprocess
import sys
import wave
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp
import psutil

from tests.process import EMBEDDED, Client, Server, serving

STANDSTILL = 6.5
"""More than three times the shortest deadline, the 2 s of a call between domains."""


def spoken(shared: Path) -> str:
    """Return three seconds of somebody speaking, as base64 of samples."""
    with wave.open(str(shared / "media" / "en-librispeech-1995-1837-0001.wav")) as file:
        return base64.b64encode(file.readframes(3 * file.getframerate())).decode()


async def speaker(server: Server, http: aiohttp.ClientSession) -> tuple[Client, dict[str, Any]]:
    """Bring somebody into a meeting; them, and the body of a meeting's speech request."""
    ann = await Client(server.url["http"], http).enter("ann")
    meeting_id = await ann.meeting()
    await ann.data("POST", f"/meetings/{meeting_id}/join", {})
    return ann, {"meeting_id": meeting_id}


def serve(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a server that is expected to refuse."""
    command = [sys.executable, "-m", "meeting", "serve", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


async def test_drain(tmp_path: Path, models: Path, shared: Path) -> None:
    """SIGTERM with a request in flight ends that request well, keeps its result, and exits 0."""
    settings = EMBEDDED | {"models.folder": str(models), "models.pull": "false"}
    server = await Server(tmp_path, settings=settings).start()
    await server.ready()
    async with aiohttp.ClientSession() as http:
        ann, body = await speaker(server, http)
        body["audio_data"] = spoken(shared)
        running = asyncio.create_task(ann.ask("POST", "/ai/speech-recognition", body))
        while not any(line.get("event") == "speech begins" for line in server.lines):
            await asyncio.sleep(0.01)
        server.process.send_signal(signal.SIGTERM)
        status, answer = await running
    assert status == 200, answer
    assert await server.gone() == 0
    with closing(sqlite3.connect(tmp_path / "meeting.db")) as rows:
        kept = rows.execute("SELECT task_id FROM ai_tasks").fetchall()
    assert kept == [(answer["data"]["task_id"],)]


async def test_debug(tmp_path: Path) -> None:
    """Under --debug a standstill of three times the shortest deadline loses no request."""
    settings = EMBEDDED | {"models.pull": "false", "models.folder": str(tmp_path), "debug": "true"}
    server = Server(tmp_path, settings=settings, failpoint="access-asked:stop")
    await server.start()
    async with aiohttp.ClientSession() as http:
        ann = await Client(server.url["http"], http).enter("ann")
        meeting_id = await ann.meeting()
        joining = asyncio.create_task(ann.socket(meeting_id))
        process = psutil.Process(server.process.pid)
        while process.status() != psutil.STATUS_STOPPED:
            await asyncio.sleep(0.01)
        assert process.children() == []
        await asyncio.sleep(STANDSTILL)
        server.process.send_signal(signal.SIGCONT)
        await (await joining).close()
    assert await server.stop() == 0


async def test_engine_gone(tmp_path: Path) -> None:
    """With nobody at the engine's socket speech is 503 within seconds, and the rest works."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        nobody = f"tcp://127.0.0.1:{closed.getsockname()[1]}"
        async with (
            serving(tmp_path, engine__mode="external", engine__endpoint=nobody) as server,
            aiohttp.ClientSession() as http,
        ):
            ann, body = await speaker(server, http)
            body["audio_data"] = base64.b64encode(bytes(32_000)).decode()
            async with asyncio.timeout(10):
                status, answer = await ann.ask("POST", "/ai/speech-recognition", body)
            assert (status, answer["code"]) == (503, 40001)
            assert (await ann.data("GET", "/users/profile"))["username"] == "ann"
            assert server.tracebacks() == []


async def test_promote(tmp_path: Path) -> None:
    """`meeting users promote` works beside a running server, at once."""
    async with serving(tmp_path, models__pull="false") as server, aiohttp.ClientSession() as http:
        ann = await Client(server.url["http"], http).enter("ann")
        promote = [sys.executable, "-m", "meeting", "users", "promote"]
        for name, code in (("ann", 0), ("nobody", 1)):
            child = await asyncio.create_subprocess_exec(
                *promote, name, "--state-dir", str(tmp_path)
            )
            assert await child.wait() == code
        assert (await ann.data("GET", "/users/profile"))["role_name"] == "admin"


async def test_log(tmp_path: Path) -> None:
    """The log is JSON with request and user ids, and holds no secret, token or payload."""
    async with serving(tmp_path, models__pull="false") as server, aiohttp.ClientSession() as http:
        ann = await Client(server.url["http"], http).enter("ann")
        meeting_id = await ann.meeting(title="secret-title", password="secret-password")
        ticket = (await ann.data("POST", f"/meetings/{meeting_id}/join", {}))["token"]
        await (await ann.socket(meeting_id, ticket=ticket)).close()
        await ann.ask("GET", "/meetings?q=secret-query")
        lines = list(server.lines)
    text = str(lines)
    for hidden in ("correct horse", "secret-", ann.token, ticket, "example.org"):
        assert hidden not in text
    requests = [line for line in lines if line.get("event") == "request"]
    assert all(len(line["request_id"]) == 32 for line in requests)
    assert ann.user_id in {line["user_id"] for line in requests}
    assert server.tracebacks() == []


async def test_refused_starts(tmp_path: Path) -> None:
    """A wrong setting exits with 2, a taken port or folder with 1; a sentence says what to do."""
    wrong = serve("--set", "http.port=many")
    assert wrong.returncode == 2
    assert all(word in wrong.stderr for word in ("http.port", "'many'", "0 to 65535"))
    open_to_all = serve("--debug", "--set", "http.host=0.0.0.0")
    assert open_to_all.returncode == 2
    assert "http.host" in open_to_all.stderr
    async with serving(tmp_path, models__pull="false") as server:
        second = await asyncio.to_thread(serve, "--state-dir", str(tmp_path))
        assert second.returncode == 1
        assert "--state-dir" in second.stderr
        port = server.url["http"].rpartition(":")[2]
        taken = await asyncio.to_thread(
            serve,
            *("--state-dir", str(tmp_path / "other"), "--set", f"http.port={port}"),
            *("--set", "models.pull=false", "--set", "engine.endpoint=tcp://127.0.0.1:0"),
        )
        assert taken.returncode == 1
        assert "http.port" in taken.stderr
    for refusal in (wrong, open_to_all, second, taken):
        assert "Traceback" not in refusal.stderr
