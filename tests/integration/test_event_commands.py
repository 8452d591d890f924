"""The commands for looking after parked events, typed beside a real server."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import aiohttp
import pytest

from meeting.kernel.clock import SystemClock
from meeting.kernel.ids import RandomIds
from meeting.kernel.message import Message
from meeting.stores.relational import migrate
from meeting.stores.relational.database import Database
from meeting.stores.relational.parked import LISTENER, SqlAside, lay
from tests.integration.test_doctor import doctor, line
from tests.integration.test_metrics import figures, of
from tests.integration.test_queue_commands import QUIET, typed
from tests.process import Client, serving

CONSUMER, TOPIC = "notification", "user_events"


class Aside(SqlAside):
    """What lies aside in a state folder, and a way to lay more there."""

    def __init__(self, database: Database) -> None:
        super().__init__(database)
        self.database = database

    async def lay(self, error: str, consumer: str = CONSUMER, **payload: object) -> str:
        """Lay the event of a new account aside; its id."""
        now = SystemClock().now()
        message = Message(
            type="user.registered",
            payload={"username": "ann", "email": "", "registered_at": now.isoformat(), **payload},
            at=now,
            source="user",
            message_id=RandomIds().new(),
            topic=TOPIC,
        )
        async with self.database.write() as connection:
            await lay(connection, consumer, [message], [error], 5, now)
        return message.message_id


@pytest.fixture
async def aside(tmp_path: Path) -> AsyncIterator[Aside]:
    """What lies aside in a state folder."""
    database = Database.embedded(tmp_path)
    await migrate.upgrade(database)
    yield Aside(database)
    await database.close()


async def test_shown_and_thrown_away(tmp_path: Path, aside: Aside) -> None:
    """A parked event is listed with the first line of its error, shown whole, and thrown away."""
    name = await aside.lay("KeyError: \x1b[31m\nand more", user_id=7)
    listed = typed(tmp_path, "events", "parked").stdout
    (row,) = [each for each in listed.splitlines() if name in each]
    assert row.split()[:3] == [CONSUMER, TOPIC, "user.registered"]
    assert "KeyError" in row
    assert "\x1b" not in listed
    assert "and more" not in listed
    assert typed(tmp_path, "events", "parked", "--consumer", "meeting").stdout.count("\n") == 1
    shown = json.loads(typed(tmp_path, "events", "show", CONSUMER, name).stdout)
    assert shown["message"]["payload"]["user_id"] == 7
    assert shown["error"] == "KeyError: \x1b[31m\nand more"
    assert typed(tmp_path, "events", "purge", CONSUMER, name, stdin="n\n").returncode == 1
    assert await aside.find(CONSUMER, name) is not None
    assert typed(tmp_path, "events", "purge", CONSUMER, name, stdin="y\n").returncode == 0
    assert await aside.list("", 0, 9) == []


async def test_handled_again_by_a_server(tmp_path: Path, aside: Aside) -> None:
    """What is requeued has its effect in the server that runs, and the figures and doctor tell."""
    stray = await aside.lay("not JSON", LISTENER)
    async with serving(tmp_path, **QUIET) as server, aiohttp.ClientSession() as http:
        client = Client(server.url["http"], http)
        await client.enter("alice")
        name = await aside.lay("KeyError: 'x'", user_id=999)
        found = await figures(server)
        parked = "meeting_consumer_parked_events"
        assert of(found, parked, consumer=CONSUMER, topic=TOPIC) == 1
        assert of(found, parked, consumer=LISTENER, topic=TOPIC) == 1
        _, table = await asyncio.to_thread(doctor, tmp_path)
        assert f"1 of {TOPIC} that {LISTENER}" in line(table, "parked events")
        done = await asyncio.to_thread(typed, tmp_path, "events", "requeue", CONSUMER, "--all")
        assert "1 events are to be handled again" in done.stdout
        async with asyncio.timeout(20):
            while await aside.find(CONSUMER, name) is not None:
                await asyncio.sleep(0.05)
        async with aside.database.read() as connection:
            told = "SELECT type FROM notifications WHERE user_id = 999"
            assert (await connection.exec_driver_sql(told)).all() == [("welcome",)]
        assert of(await figures(server), parked, consumer=CONSUMER, topic=TOPIC) == 0
    assert [each.message.message_id for each in await aside.list("", 0, 9)] == [stray]


WRONG: Sequence[tuple[Sequence[str], str]] = [
    (("show", CONSUMER, "nobody"), "no parked event nobody"),
    (("requeue", CONSUMER), "name one ID"),
    (("requeue", CONSUMER, "nobody"), "that could be handled"),
    (("purge", "--yes", CONSUMER, "x", "--all"), "name one ID"),
    (("purge", "--yes", CONSUMER, "nobody"), "no parked event"),
]


@pytest.mark.parametrize(("words", "said"), WRONG, ids=lambda each: " ".join(each)[:40])
async def test_what_can_t_be(tmp_path: Path, aside: Aside, words: Sequence[str], said: str) -> None:
    """What is not there is said."""
    done = typed(tmp_path, "events", *words)
    assert done.returncode in (1, 2)
    assert said in done.stderr
