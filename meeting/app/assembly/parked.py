"""What lies aside, alone, for whoever looks at it beside a running server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from meeting.app.assembly.stores import beside, fit
from meeting.app.config import Config
from meeting.kernel.parked import Aside
from meeting.stores.relational.parked import SqlAside


@asynccontextmanager
async def opened(config: Config) -> AsyncIterator[Aside]:
    """Open the database that the settings name; `Held` where there is none."""
    database = beside(config)
    try:
        await fit(database)
        yield SqlAside(database)
    finally:
        await database.close()
