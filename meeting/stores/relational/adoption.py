"""Takes events of others into the outbox, and lays aside what can't be read."""

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncConnection

from meeting.kernel.clock import Clock
from meeting.kernel.foreign import Stray
from meeting.kernel.message import Message
from meeting.stores.relational.database import Database
from meeting.stores.relational.outbox import adopt, parked
from meeting.stores.relational.upsert import upsert

LISTENER = "listener"
"""Whose parked messages those are that nobody could read."""
MOST = 1000
"""How many of them are kept, the last ones: anybody who reaches Redis can send them."""


class SqlAdoption:
    """Satisfies the listener's `Adoption`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def adopt(self, messages: Sequence[Message], strays: Sequence[Stray]) -> int:
        """Append those messages that are not here yet; how many those were."""
        topics = {message.topic for message in messages}
        async with self._database.write() as connection:
            if strays:
                await self._park(connection, strays)
            new = await adopt(connection, messages) if messages else []
            if new:
                await self._database.announce(connection, topics)
        if new:
            self._database.grew(topics)
        return len(new)

    async def _park(self, connection: AsyncConnection, strays: Sequence[Stray]) -> None:
        now = self._clock.now()
        for stray in strays:
            row = {
                "consumer": LISTENER,
                "message_id": stray.message_id,
                "topic": stray.topic,
                "type": "",
                "payload": {"raw": stray.text},
                "at": now,
                "error": stray.error,
                "attempts": 1,
                "parked_at": now,
            }
            keys = ["consumer", "message_id"]
            await connection.execute(upsert(connection, parked, row, keys=keys, replace=False))
        kept = select(parked.c.message_id).where(parked.c.consumer == LISTENER)
        kept = kept.order_by(parked.c.parked_at.desc(), parked.c.message_id).limit(MOST)
        older = delete(parked).where(
            parked.c.consumer == LISTENER, parked.c.message_id.not_in(kept.scalar_subquery())
        )
        await connection.execute(older)
