"""Peers that were written for the contract, and share no code with us, on a real Redis.

Each is a program of `tests/foreign`, run by a plain Python.
"""

import asyncio
import base64
import json
import subprocess
import sys
import time
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.postgres import Postgres
from tests.process import Client, Server, serving
from tests.redis import Redis

FOREIGN = Path(__file__).parents[1] / "foreign"
EVENTS: dict[str, Any] = json.loads((FOREIGN / "events.json").read_text())
SPEECH = "speech_recognition.completed"
BARE = {"engine__mode": "external", "models__pull": "false"}


@asynccontextmanager
async def house(
    folder: Path, cluster: Postgres, redis: Redis, **settings: str
) -> AsyncIterator[tuple[Server, aiohttp.ClientSession]]:
    """Run a server on a PostgreSQL and a Redis, and a client's HTTP."""
    dsn = cluster.database()
    migrate = ["migrate", "--state-dir", str(folder), "--set", f"postgres.dsn={dsn}"]
    await asyncio.to_thread(
        subprocess.run, [sys.executable, "-m", "meeting", *migrate], check=True, capture_output=True
    )
    stores = {"postgres__dsn": dsn, "redis__url": redis.url(), "signaling__grace_seconds": "3"}
    async with (
        serving(folder, **(stores | settings)) as server,
        aiohttp.ClientSession() as http,
    ):
        yield server, http


def foreign(program: str, *words: str, lines: Sequence[object] = ()) -> list[str]:
    """Run a program of another house on some lines; what it printed."""
    given = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    done = subprocess.run(
        [sys.executable, str(FOREIGN / f"{program}.py"), *words],
        input=given,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    return done.stdout.splitlines()


async def until(ask: Any, seconds: float = 20) -> Any:
    """Ask again and again until the answer is something, and return it."""
    async with asyncio.timeout(seconds):
        while not (found := await ask()):
            await asyncio.sleep(0.05)
        return found


async def test_a_producer_s_task_is_done(tmp_path: Path, cluster: Postgres, redis: Redis) -> None:
    """A task that lies in a list with type and payload alone has its effect, in every list."""
    async with house(tmp_path, cluster, redis, **BARE) as (server, http):
        client = await Client(server.url["http"], http).enter("alice")
        lists = ["user_tasks", *(f"user_tasks:{lane}" for lane in ("critical", "high", "low"))]
        for number, name in enumerate(lists):
            payload = {"user_id": client.user_id, "username": "alice"}
            payload |= {"ip_address": f"203.0.113.{number}", "login_time": "2026-01-02T03:04:05Z"}
            task = {"type": "user.login", "payload": payload}
            await asyncio.to_thread(foreign, "push", redis.url(), name, lines=[task])

        async def listed() -> set[str]:
            page = await client.data("GET", "/users/logins?page_size=100")
            found = {row["ip_address"] for row in page["list"]}
            return found if len(found) == len(lists) + 1 else set()

        assert {f"203.0.113.{number}" for number in range(len(lists))} <= await until(listed)


async def test_what_can_t_be_read_is_seen(tmp_path: Path, cluster: Postgres, redis: Redis) -> None:
    """Garbage, and a type that nobody has, lie with the dead, each with what is wrong with it."""
    async with house(tmp_path, cluster, redis, **BARE):
        rubbish = ['{"type":', "[]", json.dumps({"type": "user.dance", "payload": {}})]
        await asyncio.to_thread(foreign, "push", redis.url(), "user_tasks", lines=rubbish)

        async def dead() -> list[bytes]:
            with redis.client() as found:
                lying: list[bytes] = found.lrange("user_tasks:dlq", 0, -1)
            return lying if len(lying) == len(rubbish) else []

        lying = [json.loads(each) for each in await until(dead)]
    assert {each["raw"] for each in lying if "raw" in each} == {'{"type":', "[]"}
    assert all(each["error"] for each in lying if "raw" in each)
    (danced,) = [each for each in lying if each.get("type") == "user.dance"]
    assert "user.dance" in danced["payload"]["error"]
    assert danced["payload"]["failed_at"]


async def test_a_consumer_of_the_contract(tmp_path: Path, cluster: Postgres, redis: Redis) -> None:
    """Who BLPOPs our tasks gets every field that the contract names."""
    async with house(tmp_path, cluster, redis, **BARE, tasks__concurrency="0") as (server, http):
        await Client(server.url["http"], http).enter("alice")
        (line,) = await asyncio.to_thread(foreign, "pop", redis.url(), "user_tasks:low", "1")
    task = json.loads(line)
    assert task["type"] == "user.login"
    assert task["payload"]["username"] == "alice"
    assert task["payload"]["ip_address"] == "127.0.0.1"
    assert len(task["id"]) == 32
    assert (task["priority"], task["retry_count"], task["max_retries"]) == (0, 0, 3)
    assert abs(task["timestamp"] - time.time()) < 60
    numbers = ("timestamp", "timeout", "visibility_timeout", "priority", "retry_count")
    assert all(type(task[name]) is int for name in numbers), task
    assert (task["timeout"], task["visibility_timeout"]) == (30, 30)
    assert task["source"] == "user"


async def test_a_subscriber_hears_every_event(
    tmp_path: Path, cluster: Postgres, redis: Redis, models: Path, shared: Path
) -> None:
    """Every event that exists is heard on its channel, and every field of it is as agreed."""
    engine = {"engine__workers": "1", "models__folder": str(models), "models__pull": "false"}
    async with house(tmp_path, cluster, redis, **engine) as (server, http):
        hearer = await asyncio.create_subprocess_exec(
            sys.executable,
            str(FOREIGN / "hear.py"),
            redis.url(),
            "60",
            *EVENTS,
            stdout=asyncio.subprocess.PIPE,
        )
        assert hearer.stdout is not None
        assert await hearer.stdout.readline() == b"listening\n"
        await server.ready()
        await everything(Client(server.url["http"], http), shared)
        said = json.loads((await hearer.communicate())[0])
    assert said["wrong"] == []
    assert said["missing"] == []


async def everything(client: Client, shared: Path) -> None:
    """Do once what each event tells of."""
    await client.enter("alice")
    await client.data("PUT", "/users/profile", {"nickname": "Alice of the hill"})
    meeting = await client.meeting()
    socket = await client.socket(meeting)
    wav = (shared / "media" / "en-librispeech-1995-1837-0001.wav").read_bytes()
    body = {"audio_data": base64.b64encode(wav).decode(), "format": "wav", "meeting_id": meeting}
    await client.data("POST", "/ai/speech-recognition", body)
    await socket.close()
    await client.data("POST", f"/meetings/{meeting}/join")
    await client.data("POST", f"/meetings/{meeting}/leave")
    await client.data("POST", f"/meetings/{meeting}/end")
    await client.data("POST", "/auth/logout", {})


@pytest.mark.parametrize("named", [True, False], ids=["with id", "without"])
async def test_an_announcer_is_believed_once(
    tmp_path: Path, cluster: Postgres, redis: Redis, named: bool
) -> None:
    """An event that comes by PUBLISH alone has its effect; said twice, it has it once."""
    async with house(tmp_path, cluster, redis, **BARE) as (server, http):
        client = await Client(server.url["http"], http).enter("alice")
        payload = {"user_id": client.user_id, "username": "alice", "ip_address": "203.0.113.9"}
        payload |= {"login_time": "2026-01-02T03:04:05Z"}
        event: dict[str, object] = {
            "type": "user.logged_in",
            "payload": payload,
            "timestamp": int(time.time()),
            "source": "user",
        }
        if named:
            event["message_id"] = uuid.uuid4().hex
        again = {**event, "payload": {**payload, "ip_address": "198.51.100.7"}}
        again["message_id"] = uuid.uuid4().hex
        await asyncio.to_thread(foreign, "say", redis.url(), "user_events", lines=[event, event])
        await asyncio.to_thread(foreign, "say", redis.url(), "user_events", lines=[again])

        async def told() -> int:
            page = await client.data("GET", "/notifications?type=unusual_login")
            # Of the event that was said twice, and of the one that came after it.
            return int(page["total"]) if page["total"] >= 2 else 0

        assert await until(told) == 2
