"""The stores: one SQLite file in the state folder, or a PostgreSQL elsewhere."""

import asyncio
import math

import msgspec
import structlog

from meeting.app.config import Config
from meeting.app.module import Module
from meeting.app.modules import STORES
from meeting.app.state import Held, State
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault
from meeting.kernel.ids import Ids
from meeting.kernel.queue import Queue
from meeting.stores.relational import migrate
from meeting.stores.relational.database import FILE, WAIT_SECONDS, Database
from meeting.stores.relational.documents import SqlDocuments
from meeting.stores.relational.idempotency import SqlAnswers
from meeting.stores.relational.outbox import Log
from meeting.stores.relational.queue import SqlQueue
from meeting.stores.relational.unit import Rows

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
AWAY = "PostgreSQL does not answer"


class Stores(msgspec.Struct, frozen=True):
    """What the domains keep things in."""

    module: Module
    database: Database
    log: Log
    documents: SqlDocuments
    answers: SqlAnswers
    queue: Queue
    rows: Rows


def make(config: Config, state: State, clock: Clock, ids: Ids) -> Stores:
    """Make the stores."""
    database = connect(config)
    module = _file(database, state) if database.sqlite else _server(config, database, state)
    return Stores(
        module=module,
        database=database,
        log=Log(database),
        documents=SqlDocuments(database),
        answers=SqlAnswers(database, clock),
        queue=SqlQueue(database, clock, ids),
        rows=Rows(database, clock, ids, relayed=False),
    )


def _file(database: Database, state: State) -> Module:
    """Bring the file's tables up to date when the module starts, which is its holder's to do."""

    async def start() -> None:
        if state.guest:
            await fit(database)
        else:
            await migrate.upgrade(database)

    async def stop() -> None:
        await database.close()
        state.release()

    return Module(STORES, start=start, stop=stop)


def _server(config: Config, database: Database, state: State) -> Module:
    """Wait for a server that is away, and touch no tables, which other processes may be using."""
    probe = connect(config)  # apart, so that a busy pool is not taken for a server that is away
    database.usable = False
    lack = ""

    async def look() -> None:
        nonlocal lack
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                if database.usable:
                    await probe.ping()
                else:
                    # Once is enough: what an update beside us changes later is its business.
                    await fit(probe)
        except (Fault, TimeoutError) as error:
            if not lack:
                log.warning("the database is away", cause=repr(error.__cause__ or error))
            lack = AWAY
            return
        database.usable = True
        lack = ""

    async def watch() -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await look()

    async def stop() -> None:
        await probe.close()
        await database.close()
        state.release()

    return Module(
        STORES,
        start=look,
        lacks=lambda: lack,
        background=[watch],
        stop=stop,
        refusals=(migrate.Unfit,),
    )


async def fit(database: Database) -> None:
    """Refuse tables that a person has to bring up to date first."""
    if await migrate.behind(database):
        raise migrate.Unfit("the database's tables are not up to date; type: meeting migrate")


def connect(config: Config) -> Database:
    """Name the database of the settings; it is reached when first used."""
    wait = math.inf if config.debug else WAIT_SECONDS
    dsn = config.postgres.dsn.reveal()
    if dsn:
        return Database(dsn, wait, config.postgres.pool)
    return Database.embedded(config.state, wait)


def beside(config: Config) -> Database:
    """Name the database that a server uses; `Held` where there was never one."""
    database = connect(config)
    if database.sqlite and not (config.state / FILE).is_file():
        raise Held(
            f"{config.state} is no state folder of a server; name the one that the server uses,"
            " with --state-dir or MEETING_STATE_DIR"
        )
    return database


async def bring(config: Config) -> bool:
    """Bring the tables up to date; False where they were."""
    database = connect(config)
    try:
        return await migrate.upgrade(database)
    finally:
        await database.close()
