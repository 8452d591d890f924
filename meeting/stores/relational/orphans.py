"""Holds of workers that are known to be gone: nobody needs to wait until they end by themselves."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import select, update

from meeting.kernel.queue import Place
from meeting.stores.relational.database import Database
from meeting.stores.relational.tasks import tasks


async def orphan(database: Database, gone: Callable[[str], bool], now: datetime) -> int:
    """Let the holds of owners who are `gone` be over now; how many. Each costs an attempt."""
    async with database.write() as connection:
        holds = tasks.c.place == Place.HELD
        owners = (await connection.scalars(select(tasks.c.owner).where(holds).distinct())).all()
        dead = [owner for owner in owners if gone(owner)]
        over = update(tasks).where(holds, tasks.c.owner.in_(dead), tasks.c.until > now)
        return (await connection.execute(over.values(until=now))).rowcount
