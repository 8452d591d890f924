"""The figures of a real server, as Prometheus reads them."""

import asyncio
from pathlib import Path

import aiohttp
from prometheus_client.parser import text_string_to_metric_families

from meeting.kernel.clock import SystemClock
from meeting.kernel.ids import RandomIds
from meeting.kernel.letter import Letter
from meeting.stores.relational.database import Database
from meeting.stores.relational.queue import SqlQueue
from tests.process import Client, Server, serving

QUIET = {"engine__mode": "external", "models__pull": "false"}
Figures = dict[tuple[str, frozenset[tuple[str, str]]], float]


async def figures(server: Server) -> Figures:
    """Ask for all figures, by name and labels."""
    async with (
        aiohttp.ClientSession() as http,
        http.get(server.url["http"] + "/metrics") as response,
    ):
        assert response.status == 200
        assert response.content_type == "text/plain"
        families = text_string_to_metric_families(await response.text())
        return {
            (sample.name, frozenset(sample.labels.items())): sample.value
            for family in families
            for sample in family.samples
        }


def of(found: Figures, name: str, **labels: str) -> float:
    """Return one figure; 0 where it is not there yet."""
    return found.get((name, frozenset(labels.items())), 0)


async def test_work_is_counted(tmp_path: Path) -> None:
    """A login's task is counted as done under its type, and what waits, died and lags is there."""
    async with serving(tmp_path, **QUIET) as server, aiohttp.ClientSession() as http:
        await Client(server.url["http"], http).enter("alice")
        attempt = {"queue": "user_tasks", "type": "user.login", "outcome": "done"}
        async with asyncio.timeout(20):
            while not of(await figures(server), "meeting_task_attempts_total", **attempt):
                await asyncio.sleep(0.05)
        found = await figures(server)
    assert of(found, "meeting_stores_up") == 1
    dead = {"queue": "user_tasks", "place": "dead", "lane": ""}
    assert ("meeting_queue_tasks", frozenset(dead.items())) in found
    lag = {"consumer": "notification", "topic": "user_events"}
    assert ("meeting_consumer_lag_events", frozenset(lag.items())) in found


async def test_a_stranger_makes_no_series(tmp_path: Path) -> None:
    """Types that nobody handles are dead letters and count as `other`, however many there are."""
    async with serving(tmp_path, **QUIET) as server:
        database = Database.embedded(tmp_path)
        queue = SqlQueue(database, SystemClock(), RandomIds())
        strange = [Letter(type=f"strange.{number}", payload={}) for number in range(20)]
        await queue.put("user_tasks", strange)
        await database.close()
        other = {"queue": "user_tasks", "type": "other", "outcome": "dead"}
        async with asyncio.timeout(20):
            while of(await figures(server), "meeting_task_attempts_total", **other) < 20:
                await asyncio.sleep(0.05)
        found = await figures(server)
    assert of(found, "meeting_queue_tasks", queue="user_tasks", place="dead", lane="") == 20
    assert not [name for name, labels in found if "strange" in str(labels)]


async def test_who_may_look(tmp_path: Path) -> None:
    """What a proxy on this machine hands on is not of this machine: it finds no such route."""
    async with serving(tmp_path, **QUIET) as server, aiohttp.ClientSession() as http:
        for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
            for port in server.url.values():
                async with http.get(f"{port}/metrics", headers={name: "1.2.3.4"}) as response:
                    assert response.status == 404
    async with (
        serving(tmp_path, **QUIET, http__metrics_open="true") as server,
        aiohttp.ClientSession(headers={"X-Forwarded-For": "1.2.3.4"}) as http,
        http.get(server.url["http"] + "/metrics") as response,
    ):
        assert response.status == 200
