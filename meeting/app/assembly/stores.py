"""The embedded stores: one SQLite file in the state folder."""

import math

import msgspec

from meeting.app.config import Config
from meeting.app.module import Module
from meeting.app.modules import STORES
from meeting.app.state import State
from meeting.kernel.clock import Clock
from meeting.stores.relational import migrate
from meeting.stores.relational.database import WAIT_SECONDS, Database
from meeting.stores.relational.documents import SqlDocuments
from meeting.stores.relational.idempotency import SqlAnswers
from meeting.stores.relational.outbox import Log


class Stores(msgspec.Struct, frozen=True):
    """What the domains keep things in."""

    module: Module
    database: Database
    log: Log
    documents: SqlDocuments
    answers: SqlAnswers


def make(config: Config, state: State, clock: Clock) -> Stores:
    """Make the stores; the tables are brought up to date when the module starts."""
    wait = math.inf if config.debug else WAIT_SECONDS
    database = Database.embedded(state.path, wait)

    async def start() -> None:
        await migrate.upgrade(database)

    async def stop() -> None:
        await database.close()
        state.release()

    return Stores(
        module=Module(STORES, start=start, stop=stop),
        database=database,
        log=Log(database),
        documents=SqlDocuments(database),
        answers=SqlAnswers(database, clock),
    )
