"""The commands for looking into the queues, typed beside a real server."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from meeting.kernel.clock import SystemClock
from meeting.kernel.ids import RandomIds
from meeting.kernel.letter import Letter
from meeting.kernel.queue import Place
from meeting.stores.relational import migrate
from meeting.stores.relational.database import Database
from meeting.stores.relational.queue import SqlQueue
from tests.process import serving

QUIET = {"engine__mode": "external", "models__pull": "false", "tasks__concurrency": "0"}


def typed(folder: Path, *words: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """Type `meeting …` as a person would."""
    command = [sys.executable, "-m", "meeting", *words, "--state-dir", str(folder)]
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MEETING_")}
    done = subprocess.run(
        command, env=clean, input=stdin, capture_output=True, text=True, check=False
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done


@pytest.fixture
async def queue(tmp_path: Path) -> AsyncIterator[SqlQueue]:
    """The queues of a state folder."""
    database = Database.embedded(tmp_path)
    await migrate.upgrade(database)
    yield SqlQueue(database, SystemClock(), RandomIds())
    await database.close()


async def dead(queue: SqlQueue, error: str, **payload: object) -> str:
    """Lay a task with the dead; its id."""
    await queue.put("user_tasks", [Letter(type="user.greet", payload=payload)])
    (held,) = await queue.take("user_tasks", "test", 1)
    assert await queue.fail(held, error, None)
    return held.letter.id


async def test_stats_beside_a_server(tmp_path: Path, queue: SqlQueue) -> None:
    """The table counts what waits and what is dead, while a server uses the folder."""
    await dead(queue, "no")
    letters = [Letter(type="user.greet", payload={}, priority=lane) for lane in (0, 3, 3)]
    await queue.put("user_tasks", letters)
    async with serving(tmp_path, **QUIET):
        done = await asyncio.to_thread(typed, tmp_path, "queue", "stats")
    row = next(each for each in done.stdout.splitlines() if each.startswith("user_tasks")).split()
    assert row[:8] == ["user_tasks", "2", "0", "0", "1", "0", "0", "1"]


async def test_the_dead_are_shown_and_come_back(tmp_path: Path, queue: SqlQueue) -> None:
    """A dead task is listed with its error, shown whole, and given new attempts."""
    task_id = await dead(queue, "the mail server refused", user_id=7)
    listed = typed(tmp_path, "queue", "list", "user_tasks")
    assert task_id in listed.stdout
    assert "the mail server refused" in listed.stdout
    shown = json.loads(typed(tmp_path, "queue", "show", "user_tasks", task_id).stdout)
    assert shown["payload"]["user_id"] == 7
    assert shown["payload"]["error"] == "the mail server refused"
    assert typed(tmp_path, "queue", "requeue", "user_tasks", task_id).returncode == 0
    (held,) = await queue.take("user_tasks", "test", 1)
    assert (held.letter.id, held.letter.retry_count) == (task_id, 0)
    assert "error" not in held.letter.payload


async def test_nothing_of_a_letter_steers_the_terminal(tmp_path: Path, queue: SqlQueue) -> None:
    """Control characters in a type or an error are shown as signs, not obeyed."""
    await dead(queue, "red \x1b[31m and a bell \x07")
    listed = typed(tmp_path, "queue", "list", "user_tasks").stdout
    assert "red" in listed
    assert "\x1b" not in listed
    assert "\x07" not in listed


async def test_purge_asks_first(tmp_path: Path, queue: SqlQueue) -> None:
    """Throwing away asks, and a no keeps everything."""
    await dead(queue, "no")
    assert typed(tmp_path, "queue", "purge", "user_tasks", stdin="n\n").returncode == 1
    assert len(await queue.list("user_tasks", Place.DEAD, 0, 9)) == 1
    assert typed(tmp_path, "queue", "purge", "user_tasks", stdin="y\n").returncode == 0
    assert await queue.list("user_tasks", Place.DEAD, 0, 9) == []


WRONG: Sequence[tuple[Sequence[str], str]] = [
    (("queue", "show", "user_tasks", "nobody"), "no task nobody"),
    (("queue", "requeue", "user_tasks"), "name one ID"),
    (("queue", "requeue", "user_tasks", "nobody"), "no dead task"),
    (("queue", "list", "no_tasks"), "user_tasks"),
    (("worker", "--queues", "user_tasks,other"), "other"),
]


@pytest.mark.parametrize(("words", "said"), WRONG, ids=lambda each: " ".join(each)[:40])
async def test_what_can_t_be(
    tmp_path: Path, queue: SqlQueue, words: Sequence[str], said: str
) -> None:
    """A name that is not there is said, with what is."""
    done = typed(tmp_path, *words)
    assert done.returncode in (1, 2)
    assert said in done.stderr


@pytest.mark.parametrize("words", [("queue", "stats"), ("worker",)], ids=" ".join)
def test_no_state_folder(tmp_path: Path, words: Sequence[str]) -> None:
    """Where no server ever was it says so, and makes nothing."""
    done = typed(tmp_path / "elsewhere", *words)
    assert done.returncode == 1
    assert "no state folder of a server" in done.stderr
    assert not (tmp_path / "elsewhere").exists()
