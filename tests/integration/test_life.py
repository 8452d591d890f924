"""The life of a real process: how it is asked to end, how it refuses to begin, what it logs."""

import asyncio
import json
import resource
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from tests.process import EMBEDDED, Client, Server, serving
from tests.recordings import spoken

BARE = {"engine.mode": "external", "models.pull": "false"}
"""Settings of a house without an engine."""
PATIENCE = 30


@asynccontextmanager
async def alone(state: Path, **settings: str) -> AsyncIterator[tuple[Server, Client]]:
    """Run a house without an engine, and give a client that is nobody yet."""
    async with (
        serving(state, **BARE, **settings) as server,
        aiohttp.ClientSession() as http,
    ):
        yield server, Client(server.url["http"], http)


async def stopped(process: int) -> None:
    """Wait until a process stands still."""
    async with asyncio.timeout(PATIENCE):
        while psutil.Process(process).status() != psutil.STATUS_STOPPED:
            await asyncio.sleep(0.02)


async def closing(server: Server) -> None:
    """Wait until `/ready` is no longer good: refused, or 503."""
    async with asyncio.timeout(PATIENCE):
        while await readiness(server.url["http"]) == 200:
            await asyncio.sleep(0.02)


async def readiness(url: str) -> int:
    """Ask on a connection of its own; 0 where there is none to be had."""
    async with aiohttp.ClientSession() as http:
        try:
            async with http.get(url + "/ready") as response:
                said = (await response.json())["status"]
                assert (said == "ready") == (response.status == 200)
                return response.status
        except aiohttp.ClientError:
            return 0


class Slow:
    """A request whose body comes in two parts, by hand."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._reader: asyncio.StreamReader
        self._writer: asyncio.StreamWriter

    async def begin(self, path: str, body: object) -> None:
        """Send all but the last byte."""
        host, port = self._client.url.removeprefix("http://").split(":")
        self._reader, self._writer = await asyncio.open_connection(host, int(port))
        content = json.dumps(body).encode()
        head = (
            f"POST /api/v1{path} HTTP/1.1\r\nHost: {host}\r\n"
            f"Authorization: Bearer {self._client.token}\r\nContent-Length: {len(content)}\r\n\r\n"
        )
        self._writer.write(head.encode() + content[:-1])
        await self._writer.drain()
        self._last = content[-1:]

    async def end(self) -> tuple[int, dict[str, Any]]:
        """Send the last byte; the status and the answer."""
        self._writer.write(self._last)
        head, _, body = (await self._reader.read()).partition(b"\r\n\r\n")
        self._writer.close()
        return int(head.split()[1]), json.loads(body)


async def test_running_requests_end_well(tmp_path: Path, models: Path, shared: Path) -> None:
    """After SIGTERM nothing new gets in; a recognition and a slow body are answered and kept."""
    server = Server(
        tmp_path,
        settings=EMBEDDED | {"models.folder": str(models), "models.pull": "false"},
        failpoint="speech-in-flight:stop",
    )
    await server.start()
    await server.ready()
    async with aiohttp.ClientSession() as http:
        ann = await Client(server.url["http"], http).enter("ann")
        meeting_id = await ann.meeting()
        room = await ann.socket(meeting_id)
        slow = Slow(ann)
        times = {"start_time": "2026-01-01T00:00:00Z", "end_time": "2099-01-01T00:00:00Z"}
        await slow.begin("/meetings", {"title": "slow", **times})
        recording = {"audio_data": spoken(shared, 2), "meeting_id": meeting_id, "language": "en"}
        speech = asyncio.create_task(ann.ask("POST", "/ai/speech-recognition", recording))
        # It stands still with the recognition in the engine, so the signal surely meets it there.
        await stopped(server.process.pid)
        server.process.send_signal(signal.SIGTERM)
        server.process.send_signal(signal.SIGCONT)
        await closing(server)
        assert (await room.receive(timeout=PATIENCE)).data == 1001
        for url in server.url.values():
            assert await readiness(url) in (0, 503)
        made = await slow.end()
        heard = await speech
    assert await server.gone() == 0, server.log()
    assert server.tracebacks() == []
    assert (made[0], heard[0]) == (201, 200)
    assert "sorrow" in heard[1]["data"]["text"]
    async with serving(tmp_path, **BARE) as again, aiohttp.ClientSession() as http:
        ann = await Client(again.url["http"], http).login("ann")
        assert (await ann.data("GET", f"/meetings/{made[1]['data']['id']}"))["title"] == "slow"
        (kept,) = (await ann.data("GET", f"/ai/analysis/{meeting_id}"))["list"]
    assert kept["result"]["text"] == heard[1]["data"]["text"]


async def test_nothing_new_is_begun_while_sockets_close(tmp_path: Path) -> None:
    """While a socket does not answer its close, no port and no old connection takes new work."""
    async with alone(tmp_path) as (server, client):
        ann = await client.enter("ann")
        meeting_id = await ann.meeting()
        deaf = await ann.socket(meeting_id)  # which is not read again
        urls = [server.url[name] for name in ("http", "signaling", "ai")]
        # Connections that were in before the signal, and are asked after it.
        kept = [await asyncio.open_connection("127.0.0.1", port(url)) for url in urls]
        for reader, writer in kept:
            assert (await said(reader, writer, ann, "/nowhere", "")) == (404, "not_found")
        server.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            while any([await accepted(url) for url in urls]):
                await asyncio.sleep(0.02)
        login = json.dumps({"username": "ann", "password": "correct horse"})
        join = f"/meetings/{meeting_id}/join"
        for (reader, writer), path in zip(
            kept, ("/auth/login", "/signaling/ticket", "/ai/asr"), strict=True
        ):
            assert await said(reader, writer, ann, path, login) == (503, "unavailable")
        assert await said(*kept[0], ann, join, "{}") == (503, "unavailable")
        assert server.process.returncode is None
        kept[0][1].write(b"GET /ready HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b" 503 " in await kept[0][0].readline()
        for _, writer in kept:
            writer.close()
        assert await server.gone() == 0, server.log()
        await deaf.close()
        assert server.tracebacks() == []


def port(url: str) -> int:
    """Return the port of an address."""
    return int(url.rsplit(":", 1)[1])


async def accepted(url: str) -> bool:
    """Tell whether a new connection is taken."""
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port(url))
    except ConnectionError:
        return False
    writer.close()
    return True


async def said(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    client: Client,
    path: str,
    body: str,
) -> tuple[int, str]:
    """Ask on a connection that is there; the status and the error's type."""
    writer.write(
        f"POST /api/v1{path} HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {client.token}\r\n"
        f"Content-Length: {len(body)}\r\n\r\n{body}".encode()
    )
    async with asyncio.timeout(PATIENCE):
        head = await reader.readuntil(b"\r\n\r\n")
        length = next(line for line in head.lower().split(b"\r\n") if b"content-length" in line)
        answer = json.loads(await reader.readexactly(int(length.split(b":")[1])))
    return int(head.split()[1]), answer.get("error", {}).get("type", "")


async def test_a_join_says_where_the_client_came_from(tmp_path: Path) -> None:
    """A house that listens everywhere sends nobody to 0.0.0.0."""
    async with alone(tmp_path, http__host="0.0.0.0") as (server, client):  # noqa: S104
        client.url = f"http://127.0.0.1:{port(server.url['http'])}"
        ann = await client.enter("ann")
        joined = await ann.data("POST", f"/meetings/{await ann.meeting()}/join")
        assert joined["websocket_url"] == client.url.replace("http", "ws", 1) + "/ws"
        async with client.http.ws_connect(
            joined["websocket_url"], params={"ticket": joined["token"]}
        ) as opened:
            await opened.send_json({"type": "join"})
            assert (await opened.receive_json(timeout=PATIENCE))["type"] == "joined"


async def test_every_port_tells_how_it_is(tmp_path: Path) -> None:
    """`/health` and `/ready` answer on all three ports, without credential or envelope."""
    async with alone(tmp_path) as (server, client):
        assert server.url.keys() == {"http", "signaling", "ai"}
        for url in server.url.values():
            async with client.http.get(url + "/health") as response:
                assert (response.status, await response.json()) == (200, {"status": "alive"})
            async with client.http.get(url + "/ready") as response:
                told = await response.json()
            assert told["modules"]["stores"] == {"state": "running", "reason": ""}
            # There is no engine at the endpoint, and that is told.
            assert (response.status, told["modules"]["engine"]["state"]) == (503, "starting")


def refused(state: Path, *arguments: str, **settings: str) -> tuple[int, str]:
    """Start a server that must not start; its exit code and what it said."""
    command = [sys.executable, "-m", "meeting", "serve", "--state-dir", str(state), *arguments]
    for key, value in (EMBEDDED | BARE | settings).items():
        command += ["--set", f"{key}={value}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    ("arguments", "settings", "words"),
    [
        ([], {"http.port": "many"}, ["http.port", "'many'", "0 to 65535"]),
        (["--debug"], {"http.host": "0.0.0.0"}, ["http.host", "'0.0.0.0'", "127.0.0.1"]),  # noqa: S104 - refused
    ],
    ids=["number", "debug"],
)
def test_a_wrong_setting_ends_with_2(
    tmp_path: Path, arguments: list[str], settings: dict[str, str], words: list[str]
) -> None:
    """The key, what was found and what is allowed are said in one line, and nothing is made."""
    code, said = refused(tmp_path / "state", *arguments, **settings)
    assert code == 2
    assert all(word in said for word in words), said
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("setting", ["http.port", "signaling.port"])
def test_a_taken_port_ends_with_1(tmp_path: Path, setting: str) -> None:
    """What can't be listened on is said with the setting to change; the folder is free again."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = str(holder.getsockname()[1])
        code, said = refused(tmp_path, **{setting: port})
    assert code == 1
    last = said.strip().splitlines()[-1]
    assert last.startswith("Error: can't listen on 127.0.0.1:" + port)
    assert f"the setting {setting}" in last


@pytest.fixture
def most() -> Iterator[int]:
    """Start processes with few open files for a while; how many they may take."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, before[1]))
    yield before[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def test_as_many_files_as_the_system_grants(tmp_path: Path, most: int) -> None:
    """A server is not held to the few open files that a shell gives: each socket is one."""
    async with alone(tmp_path) as (server, _):
        assert psutil.Process(server.process.pid).rlimit(psutil.RLIMIT_NOFILE) == (most, most)


async def test_a_second_process_ends_with_1(tmp_path: Path) -> None:
    """Two processes never share a state folder; the first goes on."""
    async with alone(tmp_path) as (_, client):
        code, said = await asyncio.to_thread(refused, tmp_path)
        assert code == 1
        assert str(tmp_path) in said
        assert "--state-dir" in said
        await client.enter("ann")


async def test_promoted_beside_a_running_server(tmp_path: Path) -> None:
    """`meeting users promote` takes effect at the next request of a token that was there before."""
    async with alone(tmp_path) as (_, client):
        ann = await client.enter("ann")
        assert (await ann.data("GET", "/users/profile"))["role_name"] == "user"
        command = ["-m", "meeting", "users", "promote", "--state-dir", str(tmp_path)]
        for name, code in (("ann", 0), ("nobody", 1)):
            promoted = await asyncio.create_subprocess_exec(sys.executable, *command, name)
            assert await promoted.wait() == code
        assert (await ann.data("GET", "/users/profile"))["role_name"] == "admin"


@pytest.mark.parametrize("place", ["none", ""], ids=["absent", "another"])
def test_promoted_in_a_folder_that_is_none(tmp_path: Path, place: str) -> None:
    """A folder in which no server kept anything is named, and stays as it was."""
    command = ["-m", "meeting", "users", "promote", "ann", "--state-dir", str(tmp_path / place)]
    done = subprocess.run([sys.executable, *command], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stderr.startswith(f"Error: {tmp_path / place} is no state folder")
    assert "--state-dir" in done.stderr
    assert list(tmp_path.iterdir()) == []
