"""A real process makes the report of a meeting, though it is killed on the way."""

import asyncio
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import aiohttp

from tests.process import EMBEDDED, Client, Server

SETTINGS = {**EMBEDDED, "engine.mode": "external", "models.pull": "false"}


def lapse(folder: Path) -> None:
    """Let holds be over that nobody has any more, as waiting would."""
    with closing(sqlite3.connect(folder / "meeting.db")) as rows:
        past = "2026-01-01 00:00:00.000000"
        changed = rows.execute("UPDATE queue_tasks SET until = ? WHERE place = 'held'", (past,))
        assert changed.rowcount == 1
        rows.commit()


async def report(client: Client, meeting_id: int) -> dict[str, Any]:
    """Wait until the report is there."""
    async with asyncio.timeout(60):
        while True:
            status, answer = await client.ask("GET", f"/meetings/{meeting_id}/report")
            if status == 200:
                found: dict[str, Any] = answer["data"]
                return found
            assert status == 404, answer
            await asyncio.sleep(0.05)


async def test_a_kill_while_the_report_is_made(tmp_path: Path) -> None:
    """The process dies between report and commit; the next makes the same one, of one end."""
    server = await Server(tmp_path, settings=SETTINGS, failpoint="report-mark:kill").start()
    async with aiohttp.ClientSession() as http:
        alice = await Client(server.url["http"], http).enter("alice")
        meeting = await alice.meeting()
        ended = await alice.data("POST", f"/meetings/{meeting}/end")
        assert await server.gone() == -signal.SIGKILL
        lapse(tmp_path)
        again = await Server(tmp_path, settings=SETTINGS).start()
        try:
            alice.url = again.url["http"]
            made = await report(alice, meeting)
            assert (made["version"], made["meeting_id"]) == (1, meeting)
            assert (await alice.data("GET", f"/meetings/{meeting}/room"))["status"] == "released"
            assert (await alice.data("POST", f"/meetings/{meeting}/end")) == ended
        finally:
            await again.stop()
        assert again.tracebacks() == []
