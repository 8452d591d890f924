"""Several processes on one PostgreSQL wake each other, and go on without where they can't."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from meeting.kernel.clock import SystemClock
from meeting.kernel.ids import RandomIds
from meeting.kernel.letter import Letter
from meeting.stores.relational.database import Database
from meeting.stores.relational.notices import Notices
from meeting.stores.relational.outbox import Log, Posts
from meeting.stores.relational.queue import SqlQueue
from tests.contract.feed import TOPIC, say
from tests.contract.worlds import SqlWorld
from tests.postgres import Postgres, postgres

PATIENCE = 20


@asynccontextmanager
async def listening(url: str) -> AsyncIterator[Database]:
    """Another process, as far as the database can tell."""
    database = Database(url)
    notices = Notices(database)
    task = asyncio.create_task(notices.run())
    try:
        async with asyncio.timeout(PATIENCE):
            await notices.heard.wait()
        yield database
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await database.close()


async def test_a_reader_in_another_process_is_woken(cluster: Postgres) -> None:
    """What one process commits ends the wait of a consumer, a relay and a worker elsewhere."""
    url = cluster.database()
    async with SqlWorld.open(url) as here, listening(url) as there:
        feed, outbox = Log(there), Posts(there)
        queue = SqlQueue(there, SystemClock(), RandomIds())
        assert (await feed.pull("a", TOPIC), await outbox.after(0, 9)) == ([], [])
        assert await queue.take("user_tasks", "me", 1) == []
        waiting = [
            asyncio.create_task(feed.wait("a", TOPIC, 3600)),
            asyncio.create_task(outbox.wait(3600)),
        ]
        await asyncio.sleep(0)
        await say(here, 1)
        async with asyncio.timeout(PATIENCE):
            await asyncio.gather(*waiting)
        laid = queue._growth["user_tasks"]
        other = SqlQueue(here.database, SystemClock(), RandomIds())
        await other.put("user_tasks", [Letter(type="user.login", payload={})])
        async with asyncio.timeout(PATIENCE):
            await laid.wait()


async def test_nothing_is_told_of_what_was_rolled_back(cluster: Postgres) -> None:
    """A notice goes out with the commit alone."""
    url = cluster.database()
    async with SqlWorld.open(url) as here, listening(url) as there:
        growth, other = there.growth(TOPIC), there.growth("other")
        with pytest.raises(ZeroDivisionError):
            async with here.database.write() as connection:
                await here.database.announce(connection, [TOPIC])
                raise ZeroDivisionError
        async with here.database.write() as connection:
            await here.database.announce(connection, ["other"])
        async with asyncio.timeout(PATIENCE):
            await other.wait()
        assert not growth.is_set()


async def test_a_server_that_was_away_is_listened_to_again() -> None:
    """Who waits is woken when it is back, since something may have been missed; then as before."""
    with postgres() as own:
        url = own.database()
        async with SqlWorld.open(url) as here, listening(url) as there:
            missed = there.growth(TOPIC)
            own.stop()
            own.resume()
            async with asyncio.timeout(PATIENCE):
                await missed.wait()
            growth = there.growth(TOPIC)
            await say(here, 1)
            async with asyncio.timeout(PATIENCE):
                await growth.wait()
