"""What is said to PostgreSQL and not to SQLite, read from the statements: no server is needed."""

from typing import Any, cast

import pytest
from sqlalchemy import Dialect
from sqlalchemy.dialects import registry
from sqlalchemy.ext.asyncio import AsyncConnection

from meeting.kernel.clock import SystemClock
from meeting.kernel.ids import RandomIds
from meeting.stores.relational import database
from meeting.stores.relational.database import Database
from tests.contract.feed import Number
from tests.contract.worlds import NumberUnit


class Recorder:
    """A connection that writes down what it is told."""

    def __init__(self, dialect: Dialect) -> None:
        self.dialect = dialect
        self.told: list[str] = []

    async def execute(self, statement: Any, rows: object = None) -> None:
        """Write a statement down as the dialect spells it."""
        self.told.append(str(statement.compile(dialect=self.dialect)))


@pytest.mark.parametrize(("name", "turns"), [("postgresql", 1), ("sqlite", 0)])
async def test_writers_of_the_log_take_turns(name: str, turns: int) -> None:
    """On PostgreSQL the lock comes before the first line, so that positions commit in order."""
    recorder = Recorder(registry.load(name)())
    unit = NumberUnit(cast(AsyncConnection, recorder), SystemClock(), RandomIds())
    await unit.flush()
    assert recorder.told == []
    unit.append(Number(value=1))
    await unit.flush()
    *before, last = recorder.told
    assert last.startswith("INSERT INTO outbox ")
    assert [told.startswith("SELECT pg_advisory_xact_lock(") for told in before] == [True] * turns


def test_readers_see_one_snapshot(monkeypatch: pytest.MonkeyPatch) -> None:
    """The first pool is the writers' and keeps the default; readers repeat what they read."""
    asked: list[str | None] = []

    def make(url: str, **options: Any) -> None:
        asked.append(options.get("isolation_level"))

    monkeypatch.setattr(database, "create_async_engine", make)
    Database("postgresql+driver://host/name")
    assert asked == [None, "REPEATABLE READ"]
