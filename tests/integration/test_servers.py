"""The whole process on a PostgreSQL: what it asks for, what it keeps there, and how it waits."""

import asyncio
import subprocess
import sys
from pathlib import Path

import aiohttp

from tests.postgres import Postgres, postgres
from tests.process import EMBEDDED, Client, serving

BARE = {"engine.mode": "external", "models.pull": "false"}
PATIENCE = 30


def typed(state: Path, dsn: str, *command: str) -> tuple[int, str]:
    """Type a command; its exit code and what it said."""
    line = [sys.executable, "-m", "meeting", *command, "--state-dir", str(state)]
    for key, value in (EMBEDDED | BARE | {"postgres.dsn": dsn}).items():
        line += ["--set", f"{key}={value}"]
    done = subprocess.run(line, capture_output=True, text=True, timeout=PATIENCE, check=False)
    assert "Traceback" not in done.stderr
    return done.returncode, done.stdout + done.stderr


async def stores(client: Client) -> tuple[str, str]:
    """Ask how the stores stand."""
    async with client.http.get(client.url + "/ready") as response:
        told = (await response.json())["modules"]["stores"]
    return told["state"], told["reason"]


async def until(client: Client, state: str) -> str:
    """Wait until the stores stand so; the reason."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found, reason = await stores(client)
            if found == state:
                return reason
            await asyncio.sleep(0.05)


async def seated(client: Client, meeting: int) -> set[int]:
    """Ask who has joined."""
    page = await client.data("GET", f"/meetings/{meeting}/participants")
    return {seat["user_id"] for seat in page["list"] if seat["status_name"] == "joined"}


async def test_all_is_kept_there(tmp_path: Path, cluster: Postgres) -> None:
    """It starts on tables that a person has brought up to date, and a restart finds everything."""
    dsn = cluster.database()
    code, said = await asyncio.to_thread(typed, tmp_path, dsn, "serve")
    assert code == 1
    assert "type: meeting migrate" in said
    for answer in ("are up to date now", "were up to date"):
        code, said = await asyncio.to_thread(typed, tmp_path, dsn, "migrate")
        assert (code, answer in said) == (0, True)
    settings = {key.replace(".", "__"): value for key, value in BARE.items()}
    async with aiohttp.ClientSession() as http:
        async with serving(tmp_path, postgres__dsn=dsn, **settings) as first:
            ann, bob = [
                await Client(first.url["http"], http).enter(name) for name in ("ann", "bob")
            ]
            meeting = await ann.meeting()
            sockets = await ann.socket(meeting), await bob.socket(meeting)
            assert await seated(ann, meeting) == {ann.user_id, bob.user_id}
            await bob.data("POST", "/auth/logout")
            async with asyncio.timeout(PATIENCE):
                while not sockets[1].closed:
                    await sockets[1].receive()
            assert sockets[1].close_code == 4001
            await sockets[0].close()
            code, _ = await asyncio.to_thread(typed, tmp_path, dsn, "users", "promote", "ann")
            assert code == 0
            assert first.tracebacks() == []
        assert not (tmp_path / "meeting.db").exists()
        async with serving(tmp_path, postgres__dsn=dsn, **settings) as second:
            ann.url = second.url["http"]
            assert (await ann.data("GET", "/users/profile"))["role_name"] == "admin"
            assert (await ann.data("GET", f"/meetings/{meeting}"))["status_name"] == "active"
            assert second.tracebacks() == []


async def test_a_server_that_is_away_is_waited_for(tmp_path: Path) -> None:
    """Away at the start or later: /ready tells, requests get 503, and coming back is enough."""
    with postgres() as own:
        dsn = own.database()
        await asyncio.to_thread(typed, tmp_path, dsn, "migrate")
        own.stop()
        settings = {key.replace(".", "__"): value for key, value in BARE.items()}
        async with (
            serving(tmp_path, postgres__dsn=dsn, **settings) as house,
            aiohttp.ClientSession() as http,
        ):
            ann = Client(house.url["http"], http)
            assert await until(ann, "starting") == "PostgreSQL does not answer"
            (told,) = [line for line in house.lines if line["event"] == "the database is away"]
            assert "No such file" in told["cause"]
            own.resume()
            await until(ann, "running")
            await ann.enter("ann")
            meeting = await ann.meeting()
            own.stop()
            await until(ann, "starting")
            status, answer = await ann.ask("GET", f"/meetings/{meeting}")
            assert (status, answer["error"]["type"]) == (503, "unavailable")
            own.resume()
            await until(ann, "running")
            assert (await ann.data("GET", f"/meetings/{meeting}"))["id"] == meeting
            assert house.tracebacks() == []


async def test_tables_that_are_not_there_when_it_comes_back(tmp_path: Path) -> None:
    """Nothing works on tables that nobody has looked at; then the sentence, and the end."""
    with postgres() as own:
        dsn = own.database()
        own.stop()
        settings = {key.replace(".", "__"): value for key, value in BARE.items()}
        async with (
            serving(tmp_path, postgres__dsn=dsn, **settings) as house,
            aiohttp.ClientSession() as http,
        ):
            await until(Client(house.url["http"], http), "starting")
            own.resume()
            async with asyncio.timeout(PATIENCE):
                assert await house.gone() == 1
            failed = [line for line in house.lines if line["event"] == "module failed"]
            assert ["type: meeting migrate" in line["reason"] for line in failed] == [True]
            assert house.tracebacks() == []
