"""The stores: a SQLite file in the state folder, or a PostgreSQL, with or without a Redis.

What speaks to servers, and what changes tables, is imported where one is asked for: together it is
a third of a start that needs none of it.
"""

import asyncio
import math
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import msgspec
import structlog

from meeting.app.config import Config
from meeting.app.module import Module
from meeting.app.modules import STORES
from meeting.app.readers import BRIEF, READERS
from meeting.app.state import Held, State
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault
from meeting.kernel.ids import Ids
from meeting.kernel.ports import Feed
from meeting.kernel.queue import Queue
from meeting.kernel.tail import Either, Tail
from meeting.kernel.window import Window
from meeting.stores.relational import revision
from meeting.stores.relational.database import FILE, WAIT_SECONDS, Database
from meeting.stores.relational.documents import SqlDocuments
from meeting.stores.relational.idempotency import SqlAnswers
from meeting.stores.relational.outbox import Log, LogTail
from meeting.stores.relational.queue import SqlQueue
from meeting.stores.relational.unit import Rows
from meeting.stores.relational.window import SqlKeeper

if TYPE_CHECKING:
    from meeting.app.assembly.redis import Link
    from meeting.transports.inbox.post import RedisPost

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
AWAY = "PostgreSQL does not answer"


class Stores(msgspec.Struct, frozen=True):
    """What the domains keep things in."""

    module: Module
    database: Database
    sole: Feed
    """The log for consumers that belong to no process: of many processes one reads at a time."""
    tail: Callable[[], Tail]
    """Makes the log for readers that live and die with this process, one of each topic."""
    post: "RedisPost | None"
    """What carries frames of signalling between processes, where there may be several."""
    documents: SqlDocuments
    answers: SqlAnswers
    queue: Queue
    rows: Rows


def make(config: Config, state: State, clock: Clock, ids: Ids) -> Stores:
    """Make the stores."""
    database = connect(config)
    redis = _link(config, state.name, database, clock, ids) if config.redis.url.reveal() else None
    kept = timedelta(hours=config.redis.kept_hours)
    keeper = SqlKeeper(database, clock, READERS, redis.carrier if redis else None, BRIEF)
    window = Window(keeper, redis.carrier if redis else None, kept)
    if database.sqlite:
        module = _file(database, state, window)
    else:
        module = _server(config, database, state, window, redis)

    def tail() -> Tail:
        return Either(redis.tail(), LogTail(database)) if redis else LogTail(database)

    return Stores(
        module=module,
        database=database,
        sole=redis.sole if redis else Log(database),
        tail=tail,
        post=redis.post if redis else None,
        documents=SqlDocuments(database),
        answers=SqlAnswers(database, clock),
        queue=redis.queue if redis else SqlQueue(database, clock, ids),
        rows=Rows(database, clock, ids, relayed=redis is not None),
    )


def _link(config: Config, name: str, database: Database, clock: Clock, ids: Ids) -> "Link":
    from meeting.app.assembly.redis import link

    return link(config, name, database, clock, ids)


def _file(database: Database, state: State, window: Window) -> Module:
    """Bring the file's tables up to date when the module starts, which is its holder's to do."""

    async def start() -> None:
        if state.guest:
            await fit(database)
        else:
            await _upgrade(database)

    async def stop() -> None:
        await database.close()
        state.release()

    return Module(STORES, start=start, background=[window.run], stop=stop)


class _Probe:
    """Looks whether PostgreSQL answers; apart, so that a busy pool is not taken for one away."""

    def __init__(self, config: Config, database: Database) -> None:
        self.own = connect(config)
        self.lack = ""
        self._database = database
        database.usable = False

    async def look(self) -> None:
        """Look once; nobody works on tables that nobody has looked at."""
        try:
            async with asyncio.timeout(WAIT_SECONDS):
                if self._database.usable:
                    await self.own.ping()
                else:
                    # Once is enough: what an update beside us changes later is its business.
                    await fit(self.own)
        except (Fault, TimeoutError) as error:
            if not self.lack:
                log.warning("the database is away", cause=repr(error.__cause__ or error))
            self.lack = AWAY
            return
        self._database.usable = True
        self.lack = ""

    async def watch(self) -> None:
        """Look again and again."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await self.look()


def _server(
    config: Config, database: Database, state: State, window: Window, redis: "Link | None"
) -> Module:
    """Wait for servers that are away, and touch no tables, which other processes may be using."""
    from meeting.stores.relational.notices import Notices

    probe = _Probe(config, database)

    async def start() -> None:
        await probe.look()
        if redis is not None:
            await redis.look()

    async def stop() -> None:
        if redis is not None:
            await redis.stop()
        await probe.own.close()
        await database.close()
        state.release()

    return Module(
        STORES,
        start=start,
        lacks=lambda: probe.lack or (redis.lacks() if redis else ""),
        background=[
            *(probe.watch, window.run, Notices(database).run),
            *(redis.background if redis else ()),
        ],
        stop=stop,
        refusals=(revision.Unfit,),
    )


async def fit(database: Database) -> None:
    """Refuse tables that a person has to bring up to date first."""
    if await revision.behind(database):
        raise revision.Unfit("the database's tables are not up to date; type: meeting migrate")


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
        return await _upgrade(database)
    finally:
        await database.close()


async def _upgrade(database: Database) -> bool:
    if not await revision.behind(database):
        return False
    from meeting.stores.relational import migrate

    return await migrate.upgrade(database)
