"""Stores for the contract suites, each empty and thrown away afterwards."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Self

from meeting.kernel.clock import SystemClock
from meeting.kernel.ids import RandomIds
from meeting.stores.relational import migrate
from meeting.stores.relational.database import Database
from meeting.stores.relational.outbox import Log
from meeting.stores.relational.unit import SqlUnit, SqlUnits


class NumberUnit(SqlUnit):
    """A unit of a domain that has nothing but events."""

    SOURCE = "numbers"


class SqlWorld:
    """A database with its log."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.feed = Log(database)
        self.units = SqlUnits(database, NumberUnit, SystemClock(), RandomIds())

    @classmethod
    @asynccontextmanager
    async def open(cls, url: str) -> AsyncIterator[Self]:
        """Fill an empty database by the migrations that users run."""
        database = Database(url)
        await migrate.upgrade(database)
        try:
            yield cls(database)
        finally:
            await database.close()
