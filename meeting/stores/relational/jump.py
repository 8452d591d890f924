"""Moving a consumer to the end of the log: it begins there and cares for what comes alone."""

from sqlalchemy import delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection

from meeting.stores.relational.outbox import cursors, outbox


async def jump(connection: AsyncConnection, consumer: str, topic: str) -> None:
    """Let a consumer have consumed whatever is in the log now."""
    end = (await connection.execute(select(func.max(outbox.c.position)))).scalar()
    await connection.execute(
        delete(cursors).where(cursors.c.consumer == consumer, cursors.c.topic == topic)
    )
    if end is not None:
        await connection.execute(
            insert(cursors).values(consumer=consumer, topic=topic, position=end)
        )
