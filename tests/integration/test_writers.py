"""Writers of one SQLite file: the lock comes first, so they wait for each other and none fails."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from meeting.stores.relational.database import Database


@pytest.fixture
async def houses(tmp_path: Path) -> AsyncIterator[tuple[Database, Database]]:
    """Two databases on one file, as of two processes."""
    made = Database.embedded(tmp_path), Database.embedded(tmp_path)
    async with made[0].write() as connection:
        await connection.exec_driver_sql("CREATE TABLE counts (value INTEGER)")
        await connection.exec_driver_sql("INSERT INTO counts VALUES (0)")
    yield made
    for each in made:
        await each.close()


async def value(database: Database) -> int:
    """Read the count."""
    async with database.read() as connection:
        found: int = (await connection.exec_driver_sql("SELECT value FROM counts")).scalar_one()
        return found


async def increase(database: Database) -> None:
    """Add one the way that loses updates where the lock comes late: read, wait, write."""
    async with database.write() as connection:
        found = (await connection.exec_driver_sql("SELECT value FROM counts")).scalar_one()
        await asyncio.sleep(0)
        await connection.exec_driver_sql("UPDATE counts SET value = ?", (found + 1,))


async def test_the_lock_is_taken_at_the_begin(
    houses: tuple[Database, Database], tmp_path: Path
) -> None:
    """A unit that has written nothing yet keeps other writers off, and readers not."""
    async with houses[0].write() as connection:
        await connection.exec_driver_sql("SELECT value FROM counts")
        with (
            sqlite3.connect(tmp_path / "meeting.db", timeout=0, isolation_level=None) as other,
            pytest.raises(sqlite3.OperationalError, match="locked"),
        ):
            other.execute("BEGIN IMMEDIATE")
        other.close()
        assert await value(houses[1]) == 0


async def test_writers_wait_for_each_other(houses: tuple[Database, Database]) -> None:
    """Of fifty units at once, in one process or two, each counts: none fails, none is lost."""
    await asyncio.gather(*(increase(houses[number % 2]) for number in range(50)))
    assert await value(houses[0]) == 50


async def test_one_writer_at_a_time(houses: tuple[Database, Database]) -> None:
    """A process has one writing connection; the second unit begins when the first has ended."""
    assert houses[0]._writer.pool.size() == 1  # type: ignore[attr-defined]
    order: list[str] = []

    async def second() -> None:
        async with houses[0].write():
            order.append("second begins")

    async with houses[0].write():
        waiting = asyncio.create_task(second())
        assert await value(houses[0]) == 0
        order.append("first ends")
    await waiting
    assert order == ["first ends", "second begins"]


async def test_a_unit_that_fails_leaves_nothing(houses: tuple[Database, Database]) -> None:
    """What was written before the error is rolled back, and the lock is free again."""
    with pytest.raises(ZeroDivisionError):
        async with houses[0].write() as connection:
            await connection.exec_driver_sql("UPDATE counts SET value = 7")
            raise ZeroDivisionError
    await increase(houses[1])
    assert await value(houses[0]) == 1
