"""What PostgreSQL does otherwise than SQLite: writers side by side, and a server that goes away."""

import asyncio
import traceback
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, event, text
from sqlalchemy.exc import IntegrityError

from meeting.domains.meeting.model import Standing
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.password import Passwords
from meeting.stores.relational import migrate, revision
from meeting.stores.relational.database import Database
from meeting.stores.relational.outbox import extend
from meeting.stores.relational.tables import metadata
from tests.contract.feed import TOPIC, Number, everything, say
from tests.contract.worlds import SqlWorld
from tests.postgres import Postgres, postgres
from tests.unit.meeting.world import World


@pytest.fixture
async def world(cluster: Postgres) -> AsyncIterator[SqlWorld]:
    """An empty log on PostgreSQL."""
    async with SqlWorld.open(cluster.database()) as opened:
        yield opened


async def test_migrated_tables_equal_the_codes(world: SqlWorld) -> None:
    """Migrating again changes nothing, and nothing differs from what the code expects."""
    await migrate.upgrade(world.database)
    assert not await revision.behind(world.database)

    def compare(connection: Connection) -> Any:
        return compare_metadata(MigrationContext.configure(connection), metadata)

    async with world.database.read() as connection:
        assert await connection.run_sync(compare) == []


async def test_a_server_that_is_gone_just_after_it_let_us_in(cluster: Postgres) -> None:
    """A connection that is cut before its first statement is a database that is away."""
    database = Database(cluster.database())
    for engine in (database._readers, database._writer):

        @event.listens_for(engine.sync_engine, "connect", insert=True)
        def _cut(connection: Any, _record: object) -> None:
            connection.driver_connection.terminate()

    for opened in (database.read, database.write):
        with pytest.raises(Fault) as caught:
            async with opened():
                pass
        assert caught.value.kind is Kind.UNAVAILABLE
    await database.close()


async def test_processes_that_migrate_at_once_take_turns(cluster: Postgres) -> None:
    """Of several that start on an empty database one makes the tables, and says so."""
    url = cluster.database()
    databases = [Database(url) for _ in range(4)]
    assert sorted(await asyncio.gather(*map(migrate.upgrade, databases))) == [False] * 3 + [True]
    assert not await revision.behind(databases[0])
    for each in databases:
        await each.close()


async def test_an_earlier_position_is_never_seen_later(world: SqlWorld) -> None:
    """A unit that gave its event a position first is waited for by whoever comes after it."""
    async with world.units.write() as first:
        first.append(Number(value=1))
        await first.flush()
        first.messages.clear()
        second = asyncio.create_task(say(world, 2))
        # The second is in the database by now, at the turn that the first has.
        await blocked(world.database)
        assert await everything(world, "a") == []
        assert not second.done()
    await second
    assert await everything(world, "a") == [1, 2]


async def blocked(database: Database) -> None:
    """Wait until somebody waits for a lock."""
    waits = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
    async with asyncio.timeout(10):
        while True:
            async with database.read() as connection:
                if (await connection.execute(waits)).scalar():
                    return


async def test_a_new_name_is_not_undone_by_who_joins(cluster: Postgres) -> None:
    """Who read a row before its owner was renamed does not write the old name back."""
    passwords = Passwords(workers=1)
    world = World(cluster.database(), passwords)
    await migrate.upgrade(world.database)
    made = await world.meeting()
    await world.attendance.join(world.call(2), made.id)
    async with world.units.write() as unit:
        await unit.copies.rename(2, username=None, full_name="Bob 王")
        leaving = asyncio.create_task(world.attendance.leave(world.call(2), made.id))
        await blocked(world.database)
    await leaving
    async with world.units.read() as unit:
        seat = await unit.seat(made.id, 2)
    assert seat is not None
    assert (seat.full_name, seat.status) == ("Bob 王", Standing.LEFT)
    await world.database.close()
    passwords.close()


async def test_a_reader_sees_one_moment(world: SqlWorld) -> None:
    """What others commit meanwhile is not seen by a unit that has begun to read."""
    count = text("SELECT count(*) FROM outbox")
    async with world.database.read() as connection:
        assert (await connection.execute(count)).scalar() == 0
        await say(world, 1)
        assert (await connection.execute(count)).scalar() == 0


async def test_a_lock_that_is_not_given_back_is_told(cluster: Postgres) -> None:
    """Who waits for a row longer than it may is told `unavailable`, and the row is as it was."""
    url = cluster.database()
    holder, waiter = Database(url), Database(url, wait_seconds=0.2)
    async with holder.write() as connection:
        await connection.execute(text("CREATE TABLE rows (n int)"))
        await connection.execute(text("INSERT INTO rows VALUES (1)"))
    change = text("UPDATE rows SET n = n + 1")
    async with holder.write() as connection:
        await connection.execute(change)
        with pytest.raises(Fault) as caught:
            async with waiter.write() as other:
                await other.execute(change)
    assert caught.value.kind is Kind.UNAVAILABLE
    async with waiter.write() as other:
        await other.execute(change)
        assert (await other.execute(text("SELECT n FROM rows"))).scalar() == 3
    await holder.close()
    await waiter.close()


async def test_a_server_that_lets_nobody_in_is_told(cluster: Postgres) -> None:
    """What is refused at the connect, such as a name that is not there, is no defect of ours."""
    database = Database(cluster.database().replace("/test", "/nowhere"))
    for ask in (database.read, database.write):
        with pytest.raises(Fault) as caught:
            async with ask():
                pass
        assert caught.value.kind is Kind.UNAVAILABLE
        assert "nowhere" in str(caught.value.__cause__)
    await database.close()


async def test_a_server_that_comes_back_needs_no_restart() -> None:
    """While it is away there is a clear error; afterwards the same pools work, and all is there."""
    with postgres() as own:
        async with SqlWorld.open(own.database()) as world:
            await say(world, 1)
            own.stop()
            for ask in (world.database.read, world.database.write):
                with pytest.raises(Fault) as caught:
                    async with ask():
                        pass
                assert caught.value.kind is Kind.UNAVAILABLE
            own.resume()
            await say(world, 2)
            assert await everything(world, "a") == [1, 2]
            assert (await world.feed.pull("b", TOPIC))[0].message.payload == {"value": 1}


async def test_no_row_is_quoted_in_an_error(world: SqlWorld) -> None:
    """An error over a row says which table and rule, and nothing of what the row holds."""
    async with world.units.write() as unit:
        unit.append(Number(value=1))
    (entry,) = await world.feed.pull("a", TOPIC)
    whisper = msgspec.structs.replace(entry.message, message_id="what was said in confidence")
    with pytest.raises(IntegrityError) as caught:
        async with world.database.write() as connection:
            await extend(connection, [whisper, whisper])
    printed = "".join(traceback.format_exception(caught.value))
    assert "uq_outbox_message_id" in printed
    assert "in confidence" not in printed


async def test_a_deadlock_is_a_race_that_was_lost(world: SqlWorld) -> None:
    """Of two units that wait for each other one is told to ask again, and the other goes on."""
    rows = text("SELECT pg_advisory_xact_lock(:number)")
    both = asyncio.Barrier(2)

    async def lock(first: int, second: int) -> str:
        try:
            async with world.database.write() as connection:
                await connection.execute(rows, {"number": first})
                await both.wait()
                await connection.execute(rows, {"number": second})
        except Fault as fault:
            assert fault.kind is Kind.UNAVAILABLE
            assert fault.retry_after
            assert fault.passing
            return "lost"
        return "done"

    assert sorted(await asyncio.gather(lock(1, 2), lock(2, 1))) == ["done", "lost"]
