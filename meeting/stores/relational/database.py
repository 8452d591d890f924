"""The connection to SQLite or PostgreSQL, and how a transaction begins and ends on it."""

import asyncio
import json
import math
import secrets
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self

from sqlalchemy import URL, MetaData, event, func, make_url, select
from sqlalchemy.exc import ArgumentError, DBAPIError, OperationalError, TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from meeting.kernel.errors import Fault, Kind
from meeting.kernel.failpoint import failpoint
from meeting.kernel.growth import ANY, Growth

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
POOL = 4
CHANNEL = "meeting_grew"
"""Where PostgreSQL tells the other processes what grew."""
LONGEST_NOTICE = 7000
"""Bytes; PostgreSQL takes no more than 8000."""
DRIVERS = {"postgresql": "postgresql+asyncpg", "postgres": "postgresql+asyncpg"}
ENCRYPTION = ("", "disable", "allow", "prefer", "require", "verify-ca", "verify-full")
WAIT_SECONDS = 5.0
STATEMENT_SECONDS = 30.0
"""How long one statement may run on PostgreSQL, and how long a transaction may stand idle."""
PASSING = ("08", "40", "53", "55", "57")
"""Classes of SQLSTATE that blame no statement: cut off, a lost race, no room, busy, shut down."""
RACED = "40"
"""Of these the one that is over by now: whoever won goes on, and nothing of the loser's is left."""
DETAIL = "\nDETAIL"
"""Where PostgreSQL's error stops to speak of tables and begins to quote rows."""
PRAGMAS = {
    "journal_mode": "WAL",
    "synchronous": "FULL",  # an answer means "kept", also when the power fails after it
    "foreign_keys": "ON",
    "busy_timeout": "5000",
}


class Database:
    """Two pools on one database, of writers and of readers.

    SQLite has one writer: its pool of one connection is the queue of the writers, and each of its
    transactions begins as `BEGIN IMMEDIATE`, so that none fails half-way for a lock. On PostgreSQL
    writers run side by side and lock the rows that they read to change. Who waits for a connection
    or a lock longer than `wait_seconds` is told `unavailable`; infinite where a person at a
    debugger is waited for, who may hold the only one.
    """

    def __init__(self, url: str, wait_seconds: float = WAIT_SECONDS, pool: int = POOL) -> None:
        """Connect when first used; `url` is one of `sqlite+aiosqlite` or of PostgreSQL."""
        self._url, self._encryption = address(url)
        self.usable = True
        """False: everybody is told `unavailable`, until somebody has looked at the tables."""
        self._wait_seconds = None if math.isinf(wait_seconds) else wait_seconds
        self.sqlite = self._url.get_backend_name() == "sqlite"
        if self.sqlite:
            self._writer = self._file(1, "BEGIN IMMEDIATE")
            self._readers = self._file(pool, "BEGIN")
        else:
            self._writer = self._server(pool, "READ COMMITTED")
            # What SQLite does by itself: all of a unit's reading sees one moment.
            self._readers = self._server(pool, "REPEATABLE READ")
        self._growth = Growth()
        self.name = secrets.token_hex(4)
        """What tells the growth that this process has announced from that of others."""

    @classmethod
    def embedded(cls, folder: Path, wait_seconds: float = WAIT_SECONDS) -> Self:
        """Open the SQLite file of a state folder."""
        return cls(f"sqlite+aiosqlite:///{folder / FILE}", wait_seconds)

    def _engine(self, size: int, **options: Any) -> AsyncEngine:
        return create_async_engine(
            self._url,
            pool_size=size,
            max_overflow=0,
            pool_timeout=self._wait_seconds,
            # Its errors go into the log, and rows hold what people said and how they log in.
            hide_parameters=True,
            **options,
        )

    def _server(self, size: int, isolation: str) -> AsyncEngine:
        waits = "0" if self._wait_seconds is None else f"{self._wait_seconds:g}s"
        works = "0" if self._wait_seconds is None else f"{STATEMENT_SECONDS:g}s"
        settings = {
            "application_name": "meeting",
            "lock_timeout": waits,
            "statement_timeout": works,
            "idle_in_transaction_session_timeout": works,
        }
        limits: dict[str, Any] = {"timeout": WAIT_SECONDS, "server_settings": settings}
        if self._wait_seconds is not None:
            # The server's own limits don't help where the network is cut.
            limits["command_timeout"] = STATEMENT_SECONDS + WAIT_SECONDS
        if self._encryption:
            limits["ssl"] = self._encryption
        return self._engine(
            size,
            isolation_level=isolation,
            pool_pre_ping=True,  # a server that came back is found by the first that asks
            connect_args=limits,
        )

    def _file(self, size: int, begin: str) -> AsyncEngine:
        # isolation_level None switches the driver's own, late BEGIN off; ours stands in its place.
        engine = self._engine(size, connect_args={"isolation_level": None})

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
        if not self.usable:
            raise _away("the database does not answer")
        try:
            async with AsyncExitStack() as stack:
                try:
                    connection = await stack.enter_async_context(engine.connect())
                except _absent(self._url) as error:
                    raise _away("the database does not answer") from error
                yield connection
        except (OperationalError, PoolTimeout, TimeoutError) as error:
            raise _away("the database does not answer") from error
        except DBAPIError as error:
            state = getattr(error.orig, "sqlstate", None) or ""
            _hush(error)
            if error.connection_invalidated or state.startswith(PASSING):
                raced = state.startswith(RACED)
                raise _away("the database is gone or busy; ask again", passing=raced) from error
            raise

    async def ping(self) -> None:
        """Ask for a sign of life."""
        async with self.read() as connection:
            await connection.execute(select(1))

    async def announce(self, connection: AsyncConnection, topics: Iterable[str]) -> None:
        """Have other processes woken by this commit; those on one file look by themselves."""
        if not self.sqlite:
            said = json.dumps([self.name, *topics])
            if len(said) > LONGEST_NOTICE:
                said = json.dumps([self.name])
            await connection.execute(select(func.pg_notify(CHANNEL, said)))

    def grew(self, topics: Iterable[str]) -> None:
        """Wake whoever waits for one of the topics, or for any; called after the commit."""
        self._growth.grew(topics)

    def grew_anyhow(self) -> None:
        """Wake everybody: something may have been missed."""
        self._growth.anyhow()

    def growth(self, topic: str = ANY) -> asyncio.Event:
        """Return what is set when `grew` is called for the topic next."""
        return self._growth.of(topic)

    @asynccontextmanager
    async def bare(self) -> AsyncIterator[AsyncConnection]:
        """Open a connection of its own outside of any transaction, to a server."""
        engine = self._server(1, "AUTOCOMMIT")
        try:
            async with self._open(engine) as connection:
                yield connection
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(WAIT_SECONDS):
                    await engine.dispose()

    async def close(self) -> None:
        """Close every connection; those to a server that is away are left to the system."""
        with suppress(TimeoutError):
            async with asyncio.timeout(WAIT_SECONDS):
                await self._writer.dispose()
                await self._readers.dispose()


def address(url: str) -> tuple[URL, str]:
    """Read a database's address, and how it wants to be encrypted; a `ValueError` shows none of it.

    Of the options that PostgreSQL's own tools take, host, port and sslmode are known.
    """
    try:
        found = make_url(url)
        found = found.set(drivername=DRIVERS.get(found.drivername, found.drivername))
    except (ArgumentError, ValueError):  # whose texts hold pieces of the address
        raise ValueError("it can't be read; write @ and : in a password as %40 and %3A") from None
    options = dict(found.query)
    encryption = str(options.pop("sslmode", ""))
    if encryption not in ENCRYPTION or options.keys() - {"host", "port"}:
        known = ", ".join(filter(None, ENCRYPTION))
        raise ValueError(f"known options are host, port and sslmode ({known})")
    return found.set(query=options), encryption


def _absent(url: URL) -> tuple[type[Exception], ...]:
    """Return what is raised where nobody listens, or who does cuts us off just after.

    The latter comes as the driver's own error: SQLAlchemy sets a new connection up by itself.
    """
    found: tuple[type[Exception], ...] = (OSError, DBAPIError)
    if url.get_backend_name() == "sqlite":
        return found
    from asyncpg import InterfaceError, PostgresError

    return (*found, InterfaceError, PostgresError)


def _away(said: str, *, passing: bool = False) -> Fault:
    details = {"peer": "database"}
    return Fault(Kind.UNAVAILABLE, said, details=details, retry_after=1, passing=passing)


def _hush(error: BaseException | None) -> None:
    """Take the values of rows out of an error and its causes: they would go into the log."""
    while error is not None:
        error.args = tuple(
            each.split(DETAIL, 1)[0] if isinstance(each, str) else each for each in error.args
        )
        if getattr(error, "detail", None) and not isinstance(error, DBAPIError):
            error.detail = None  # type: ignore[attr-defined] # asyncpg's, which prints it
        error = error.__cause__ or getattr(error, "orig", None)
