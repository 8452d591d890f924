"""Tasks of a worker that was killed, on a file: its successor need not wait for their holds."""

import os
import socket
from pathlib import Path

import pytest

from meeting.app.assembly import workers
from meeting.kernel.clock import SystemClock
from meeting.kernel.ids import RandomIds
from meeting.kernel.letter import Letter
from meeting.kernel.queue import Place
from meeting.stores.relational import migrate
from meeting.stores.relational.database import Database
from meeting.stores.relational.orphans import orphan
from meeting.stores.relational.queue import SqlQueue

HOST = socket.gethostname()[:24]
NOBODY = 2**22 + 1
"""Above the highest number that Linux gives a process."""


@pytest.mark.parametrize(
    ("owner", "again"),
    [
        (f"{HOST}:{NOBODY}:aa", True),
        (f"{HOST}:{os.getpid()}:aa", True),
        (f"{HOST}:{os.getppid()}:aa", False),
        (f"elsewhere.{HOST}:{NOBODY}:aa", False),
        ("somebody", False),
    ],
    ids=["gone", "our number", "alive", "another machine", "a stranger"],
)
async def test_holds_of_the_dead(tmp_path: Path, owner: str, again: bool) -> None:
    """What a dead process held can be taken at once, at the cost of an attempt; others keep it."""
    database, clock = Database.embedded(tmp_path), SystemClock()
    await migrate.upgrade(database)
    queue = SqlQueue(database, clock, RandomIds())
    await queue.put("user_tasks", [Letter(id="a", type="job", payload={})])
    await queue.take("user_tasks", owner, 1)
    assert await orphan(database, workers._gone, clock.now()) == int(again)
    taken = await queue.take("user_tasks", "successor", 1)
    assert [each.letter.retry_count for each in taken] == ([1] if again else [])
    assert len(await queue.list("user_tasks", Place.HELD, 0, 9)) == 1
    await database.close()
