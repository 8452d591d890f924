"""The connection to SQLite or PostgreSQL, and how a transaction begins and ends on it."""

import asyncio
import math
from collections import defaultdict
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Self

from sqlalchemy import MetaData, event
from sqlalchemy.exc import DBAPIError, OperationalError, TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from meeting.kernel.errors import Fault, Kind
from meeting.kernel.failpoint import failpoint

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_label)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "pk": "pk_%(table_name)s",
    }
)
"""All tables: a domain's begin with its name, a port's (outbox, leases, …) with the port's."""

FILE = "meeting.db"
"""The embedded database's name in its state folder."""
READERS = 4
WAIT_SECONDS = 5.0
PRAGMAS = {
    "journal_mode": "WAL",
    "synchronous": "FULL",  # an answer means "kept", also when the power fails after it
    "foreign_keys": "ON",
    "busy_timeout": "5000",
}


class Database:
    """Two pools on one database: one writer, because SQLite has one, and a few readers.

    The writer's pool of one connection is the queue of the writers; each of its transactions
    begins as `BEGIN IMMEDIATE`, so that none fails half-way for a lock. Who waits for a connection
    longer than `wait_seconds` is told `unavailable`; infinite where a person at a debugger is
    waited for, who may hold the only one.
    """

    def __init__(self, url: str, wait_seconds: float = WAIT_SECONDS) -> None:
        self.url = url
        self._wait_seconds = None if math.isinf(wait_seconds) else wait_seconds
        self.sqlite = url.startswith("sqlite")
        self._writer = self._engine(1 if self.sqlite else READERS, "BEGIN IMMEDIATE")
        # SQLite's transactions see one snapshot by themselves, PostgreSQL's must be told to.
        self._readers = self._engine(READERS, "BEGIN", isolation_level="REPEATABLE READ")
        self._grown: dict[str, asyncio.Event] = defaultdict(asyncio.Event)

    @classmethod
    def embedded(cls, folder: Path, wait_seconds: float = WAIT_SECONDS) -> Self:
        """Open the SQLite file of a state folder."""
        return cls(f"sqlite+aiosqlite:///{folder / FILE}", wait_seconds)

    def _engine(self, size: int, begin: str, **postgresql: str) -> AsyncEngine:
        options: dict[str, Any] = {
            "pool_size": size,
            "max_overflow": 0,
            "pool_timeout": self._wait_seconds,
            # Its errors go into the log, and rows hold what people said and how they log in.
            "hide_parameters": True,
        }
        if not self.sqlite:
            return create_async_engine(self.url, **options, **postgresql)
        # isolation_level None switches the driver's own, late BEGIN off; ours stands in its place.
        options["connect_args"] = {"isolation_level": None}
        engine = create_async_engine(self.url, **options)

        @event.listens_for(engine.sync_engine, "connect")
        def _pragmas(connection: Any, _record: object) -> None:
            cursor = connection.cursor()
            for name, value in PRAGMAS.items():
                cursor.execute(f"PRAGMA {name}={value}")
            cursor.close()

        @event.listens_for(engine.sync_engine, "begin")
        def _begin(connection: Any) -> None:
            connection.exec_driver_sql(begin)

        return engine

    @asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that sees one snapshot and is rolled back at its end."""
        async with self._open(self._readers) as connection:
            yield connection
            await connection.rollback()

    @asynccontextmanager
    async def write(self) -> AsyncIterator[AsyncConnection]:
        """Open a transaction that commits at its end, or rolls back when its block raises."""
        async with self._open(self._writer) as connection:
            yield connection
            await connection.commit()
            failpoint("after-commit")

    @asynccontextmanager
    async def _open(self, engine: AsyncEngine) -> AsyncIterator[AsyncConnection]:
        try:
            async with engine.connect() as connection:
                yield connection
        except (OperationalError, PoolTimeout) as error:
            raise Fault(
                Kind.UNAVAILABLE, "the database does not answer", details={"peer": "database"}
            ) from error
        except DBAPIError as error:
            if error.connection_invalidated:
                raise Fault(
                    Kind.UNAVAILABLE, "the database is gone", details={"peer": "database"}
                ) from error
            raise

    def grew(self, topics: Iterable[str]) -> None:
        """Wake whoever waits for one of the topics; called after the commit."""
        for topic in topics:
            self._grown[topic].set()
            self._grown[topic] = asyncio.Event()

    def growth(self, topic: str) -> asyncio.Event:
        """Return what is set when `grew` is called for the topic next."""
        return self._grown[topic]

    async def close(self) -> None:
        """Close every connection."""
        await self._writer.dispose()
        await self._readers.dispose()
