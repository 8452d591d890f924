"""The queues alone, for whoever looks into them beside a running server."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from meeting.app.assembly.stores import beside, fit
from meeting.app.config import Config
from meeting.kernel.clock import SystemClock
from meeting.kernel.ids import RandomIds
from meeting.kernel.queue import Queue
from meeting.stores.relational.queue import SqlQueue

QUEUES = ("user_tasks", "meeting_tasks", "media_tasks", "ai_tasks")
"""The queues of the contract, one a domain."""


@asynccontextmanager
async def opened(config: Config) -> AsyncIterator[Queue]:
    """Open the queues that the settings name; `Held` where there are none."""
    database = beside(config)
    try:
        await fit(database)
        if config.redis.url.reveal():
            from meeting.app.assembly.redis import connect
            from meeting.transports.queue.queue import RedisQueue

            connection = connect(config)
            queue = RedisQueue(connection, SystemClock(), RandomIds())
            try:
                yield queue
            finally:
                await queue.close()
                await connection.close()
        else:
            yield SqlQueue(database, SystemClock(), RandomIds())
    finally:
        await database.close()
