"""Takes events of others into the outbox, and lays aside what can't be read."""

from collections.abc import Sequence
from datetime import datetime

from meeting.kernel.clock import Clock
from meeting.kernel.foreign import Stray
from meeting.kernel.message import Message
from meeting.stores.relational.database import Database
from meeting.stores.relational.outbox import adopt
from meeting.stores.relational.parked import LISTENER, lay


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
                now = self._clock.now()
                unread = [_whole(stray, now) for stray in strays]
                errors = [stray.error for stray in strays]
                await lay(connection, LISTENER, unread, errors, 1, now)
            new = await adopt(connection, messages) if messages else []
            if new:
                await self._database.announce(connection, topics)
        if new:
            self._database.grew(topics)
        return len(new)


def _whole(stray: Stray, now: datetime) -> Message:
    """Give something that can't be read the form of a message, so that it can be laid aside."""
    return Message(
        type="",
        payload={"raw": stray.text},
        at=now,
        source="",
        message_id=stray.message_id,
        kind="foreign",
        topic=stray.topic,
    )
