"""The migrations make exactly the tables that the code expects, on SQLite and PostgreSQL."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from meeting.kernel.clock import SystemClock
from meeting.stores.relational import migrate, revision
from meeting.stores.relational.database import PRAGMAS, Database
from meeting.stores.relational.leases import LeaseRows
from meeting.stores.relational.parked import SqlAside
from meeting.stores.relational.tables import metadata


def test_postgresql() -> None:
    """All migrations compile for PostgreSQL without one, and name every table."""
    script = migrate.script("postgresql")
    for table in metadata.tables:
        assert f"CREATE TABLE {table} (" in script
    assert "TIMESTAMP WITH TIME ZONE" in script
    assert "BIGSERIAL" in script
    # Holds are found by ranges of keys, which a locale's order would tear apart.
    assert 'key VARCHAR(200) COLLATE "C" NOT NULL' in script


async def test_sqlite(tmp_path: Path) -> None:
    """Migrated tables equal the code's; migrating again changes nothing."""
    database = Database.embedded(tmp_path)
    assert await revision.behind(database)
    assert await migrate.upgrade(database)
    assert not await migrate.upgrade(database)
    assert not await revision.behind(database)

    def compare(connection: Connection) -> Any:
        return compare_metadata(MigrationContext.configure(connection), metadata)

    async with database.read() as connection:
        assert await connection.run_sync(compare) == []
    await database.close()


async def test_all_are_known_by_name(tmp_path: Path) -> None:
    """Without Alembic the migrations and their order are known as it knows them."""
    config = Config()
    config.set_main_option("script_location", str(revision.MIGRATIONS))
    theirs = [each.revision for each in ScriptDirectory.from_config(config).walk_revisions()]
    assert theirs[::-1] == revision.KNOWN
    database = Database.embedded(tmp_path)
    for each in revision.KNOWN:
        await migrate.upgrade(database, each)
        async with database.read() as connection:
            assert await connection.run_sync(revision.revision) == each
            assert await connection.run_sync(_theirs) == each
    await database.close()


def _theirs(connection: Connection) -> str | None:
    return MigrationContext.configure(connection).get_current_revision()


async def test_holds_outlive_their_new_table(tmp_path: Path) -> None:
    """An update of a state folder numbers the holds that it finds; none is lost."""
    database = Database.embedded(tmp_path)
    await migrate.upgrade(database, "0001")
    async with database.write() as connection:
        for key in ("signaling/room/b", "signaling/room/a"):
            await connection.exec_driver_sql(
                "INSERT INTO leases VALUES (?, '7', 3, '2026-11-24 12:00:00.000000', '{\"a\": 1}')",
                (key,),
            )
    await migrate.upgrade(database)
    async with database.read() as connection:
        kept = await LeaseRows(connection, SystemClock()).list("signaling/")
    assert [(each.key, each.owner, each.value) for each in kept] == [
        ("signaling/room/a", "7", {"a": 1}),
        ("signaling/room/b", "7", {"a": 1}),
    ]
    assert kept[0].expires_at == datetime(2026, 11, 24, 12, tzinfo=UTC)
    assert len({each.fence for each in kept}) == 2
    await database.close()


async def test_durability(tmp_path: Path) -> None:
    """Each writing connection is durable, checks foreign keys, and takes the lock at its begin."""
    database = Database.embedded(tmp_path)
    other = Database.embedded(tmp_path)
    expected = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}
    assert expected.keys() == PRAGMAS.keys()
    for each in (database, other):
        async with each.write() as connection:
            for name, value in expected.items():
                found = (await connection.exec_driver_sql(f"PRAGMA {name}")).scalar()
                assert found == value, name
            # A reader is not kept out by the writer, whose lock is there before its first write.
            async with (other if each is database else database).read() as reader:
                await reader.exec_driver_sql("PRAGMA user_version")
    await database.close()
    await other.close()


async def test_parked_events_outlive_an_update(tmp_path: Path) -> None:
    """What was laid aside before it could be handled again is there after the update."""
    database = Database.embedded(tmp_path)
    await migrate.upgrade(database, "0006")
    async with database.write() as connection:
        for consumer in ("listener", "meeting"):
            await connection.exec_driver_sql(
                "INSERT INTO outbox_parked VALUES (?, 'id', 'ai_events', 'x', '{}',"
                " '2026-11-24 12:00:00.000000', 'no', 5, '2026-11-24 12:00:00.000000')",
                (consumer,),
            )
    await migrate.upgrade(database)
    found = await SqlAside(database).list("", 0, 9)
    assert [(each.consumer, each.message.kind, each.again) for each in found] == [
        ("listener", "foreign", False),
        ("meeting", "event", False),
    ]
    await database.close()
