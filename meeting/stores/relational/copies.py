"""What the meeting domain keeps of the users: their names in its lists, and who is online."""

from sqlalchemy import Column, Table, delete, exists, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from meeting.domains.meeting.model import SHOWN
from meeting.stores.relational.calendar import participants
from meeting.stores.relational.database import metadata
from meeting.stores.relational.types import BigKey
from meeting.stores.relational.upsert import upsert

online = Table(
    "meeting_online",
    metadata,
    Column("user_id", BigKey, primary_key=True, autoincrement=False),
)
"""Users who are online, for rows that are yet to come."""

_shown = [int(standing) for standing in sorted(SHOWN)]


class CopyRows:
    """Satisfies `Copies`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def rename(self, user_id: int, *, username: str | None, full_name: str | None) -> None:
        """Change the names of a user in all lists; None leaves one as it is."""
        names = {"username": username, "full_name": full_name}
        known = {field: name for field, name in names.items() if name is not None}
        if known:
            theirs = update(participants).where(participants.c.user_id == user_id)
            await self._connection.execute(theirs.values(**known))

    async def online(self, user_id: int) -> bool:
        """Tell whether a user is online, as far as was heard."""
        found = select(exists().where(online.c.user_id == user_id))
        return bool(await self._connection.scalar(found))

    async def appear(self, user_id: int, *, here: bool) -> None:
        """Note that a user is online or not, and show it in the lists."""
        if here:
            row = {"user_id": user_id}
            noted = upsert(self._connection, online, row, keys=["user_id"], replace=False)
            await self._connection.execute(noted)
        else:
            await self._connection.execute(delete(online).where(online.c.user_id == user_id))
        theirs = update(participants).where(
            participants.c.user_id == user_id, participants.c.status.in_(_shown)
        )
        await self._connection.execute(theirs.values(online=here))
