"""How far the consumers of the log are behind it."""

from sqlalchemy import func, select

from meeting.kernel.message import Behind
from meeting.stores.relational.database import Database
from meeting.stores.relational.outbox import cursors, outbox


async def behind(database: Database) -> list[Behind]:
    """Count for each cursor what is ahead of it."""
    ahead = (
        select(func.count())
        .where(outbox.c.topic == cursors.c.topic, outbox.c.position > cursors.c.position)
        .scalar_subquery()
    )
    wanted = select(cursors.c.consumer, cursors.c.topic, ahead.label("events"))
    async with database.read() as connection:
        rows = await connection.execute(wanted.order_by(cursors.c.consumer, cursors.c.topic))
        return [Behind(**row) for row in rows.mappings()]
