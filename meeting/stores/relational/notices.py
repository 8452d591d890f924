"""Hears from PostgreSQL what other processes have committed, and wakes whoever waits for it here.

A notice is a hint and nothing more: whoever misses one finds its work at the next look.
"""

import asyncio
import json
from typing import Any

import structlog
from asyncpg import InterfaceError, PostgresError

from meeting.kernel.errors import Fault
from meeting.stores.relational.database import CHANNEL, Database

LOOK_SECONDS = 10.0
"""How often it is asked for a sign of life: a cut network says nothing by itself."""
LONGEST_PAUSE = 5.0

log = structlog.get_logger(__name__)


class Notices:
    """The one connection of this process that listens; run by the module of the stores."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.heard = asyncio.Event()
        """Set while there is a connection that listens."""

    async def run(self) -> None:
        """Listen until cancelled; a server that was away is found again."""
        pause = 0.1
        while True:
            try:
                await self._listen()
                pause = 0.1
            except (Fault, TimeoutError, OSError, PostgresError, InterfaceError):
                log.debug("nobody tells of other processes")
            await asyncio.sleep(pause)
            pause = min(pause * 2, LONGEST_PAUSE)

    async def _listen(self) -> None:
        """Listen as long as the connection lasts."""
        async with self._database.bare() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            gone = asyncio.Event()
            driver.add_termination_listener(lambda _connection: gone.set())
            await driver.add_listener(CHANNEL, self._told)
            self.heard.set()
            try:
                self._database.grew_anyhow()  # whatever came while nobody listened
                while not gone.is_set():
                    try:
                        async with asyncio.timeout(LOOK_SECONDS):
                            await gone.wait()
                    except TimeoutError:
                        await connection.exec_driver_sql("SELECT 1")
            finally:
                self.heard.clear()

    def _told(self, _connection: object, _pid: int, _channel: str, said: object) -> None:
        """Wake who waits for what grew elsewhere; what we said ourselves has had its effect."""
        try:
            name, *topics = json.loads(str(said))
        except (TypeError, ValueError):
            return  # of somebody else, who may notify on this channel too
        if name == self._database.name:
            return
        if topics and all(isinstance(topic, str) for topic in topics):
            self._database.grew(topics)
        else:
            self._database.grew_anyhow()
