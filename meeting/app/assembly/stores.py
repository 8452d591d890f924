"""The stores: one SQLite file in the state folder, or a PostgreSQL elsewhere."""

import asyncio
import math

import msgspec

from meeting.app.config import Config
from meeting.app.module import Module
from meeting.app.modules import STORES
from meeting.app.state import State
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault
from meeting.stores.relational import migrate
from meeting.stores.relational.database import WAIT_SECONDS, Database
from meeting.stores.relational.documents import SqlDocuments
from meeting.stores.relational.idempotency import SqlAnswers
from meeting.stores.relational.outbox import Log

LOOK_SECONDS = 1.0
AWAY = "PostgreSQL does not answer"


class Behind(Exception):
    """The tables of a PostgreSQL are older than this code, and nobody but a person changes them."""


class Stores(msgspec.Struct, frozen=True):
    """What the domains keep things in."""

    module: Module
    database: Database
    log: Log
    documents: SqlDocuments
    answers: SqlAnswers


def make(config: Config, state: State, clock: Clock) -> Stores:
    """Make the stores."""
    database = connect(config)
    module = _file(database, state) if database.sqlite else _server(database, state)
    return Stores(
        module=module,
        database=database,
        log=Log(database),
        documents=SqlDocuments(database),
        answers=SqlAnswers(database, clock),
    )


def _file(database: Database, state: State) -> Module:
    """Bring the file's tables up to date when the module starts: nobody else uses it."""

    async def start() -> None:
        await migrate.upgrade(database)

    async def stop() -> None:
        await database.close()
        state.release()

    return Module(STORES, start=start, stop=stop)


def _server(database: Database, state: State) -> Module:
    """Wait for a server that is away, and touch no tables, which other processes may be using."""
    lack, fits = AWAY, False

    async def look() -> None:
        nonlocal lack, fits
        try:
            # Tables that are changed later, by an update beside us, are its business.
            fits = fits or not await migrate.behind(database)
            async with database.read():
                lack = ""
        except Fault:
            lack = AWAY
            return
        if not fits:
            raise Behind("the database's tables are not up to date; type: meeting migrate")

    async def watch() -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await look()

    async def stop() -> None:
        await database.close()
        state.release()

    # The first look comes before all else begins, on tables that may not be there.
    return Module(STORES, start=look, lacks=lambda: lack, background=[watch], stop=stop)


def connect(config: Config) -> Database:
    """Name the database of the settings; it is reached when first used."""
    wait = math.inf if config.debug else WAIT_SECONDS
    dsn = config.postgres.dsn.reveal()
    if dsn:
        return Database(dsn, wait, config.postgres.pool)
    return Database.embedded(config.state, wait)


async def bring(config: Config) -> bool:
    """Bring the tables up to date; False where they were."""
    database = connect(config)
    try:
        if not await migrate.behind(database):
            return False
        await migrate.upgrade(database)
        return True
    finally:
        await database.close()
