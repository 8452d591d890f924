"""Refresh tokens, in families by login, and access tokens that were ended before their time."""

from collections.abc import Collection, Sequence
from datetime import datetime

import msgspec
from sqlalchemy import Boolean, Column, String, Table, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from meeting.domains.user.model import Refresh
from meeting.stores.relational.database import metadata
from meeting.stores.relational.types import BigKey, Moment
from meeting.stores.relational.upsert import upsert

refresh_tokens = Table(
    "user_refresh_tokens",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("user_id", BigKey, nullable=False, index=True),
    Column("family", String(32), nullable=False, index=True),
    Column("jti", String(32), nullable=False, index=True),
    Column("access_until", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    Column("used", Boolean, nullable=False),
)

revocations = Table(
    "user_revocations",
    metadata,
    Column("jti", String(32), primary_key=True),
    Column("user_id", BigKey, nullable=False, index=True),
    Column("until", Moment, nullable=False),
)


class CredentialRows:
    """Satisfies `Credentials`."""

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def add_refresh(self, refresh: Refresh) -> None:
        """Keep a refresh token."""
        await self._connection.execute(
            insert(refresh_tokens).values(**msgspec.structs.asdict(refresh))
        )

    async def refresh(self, digest: str) -> Refresh | None:
        """Return a refresh token, also a used one; others wait until this unit is done with it."""
        found = await self._connection.execute(
            select(refresh_tokens).where(refresh_tokens.c.digest == digest).with_for_update()
        )
        row = found.mappings().one_or_none()
        return None if row is None else Refresh(**row)

    async def spend(self, digest: str) -> None:
        """Mark a refresh token as used."""
        await self._connection.execute(
            update(refresh_tokens).where(refresh_tokens.c.digest == digest).values(used=True)
        )

    async def family_of(self, jti: str) -> str | None:
        """Return the family that an access token belongs to."""
        found = await self._connection.execute(
            select(refresh_tokens.c.family).where(refresh_tokens.c.jti == jti)
        )
        family: str | None = found.scalar_one_or_none()
        return family

    async def end_family(self, family: str) -> Sequence[Refresh]:
        """Mark a whole family as used, and return it."""
        own = refresh_tokens.c.family == family
        await self._connection.execute(update(refresh_tokens).where(own).values(used=True))
        found = await self._connection.execute(select(refresh_tokens).where(own))
        return [Refresh(**row) for row in found.mappings()]

    async def revoke(self, jti: str, user_id: int, until: datetime) -> bool:
        """End an access token before its time; False where it was ended before."""
        row = {"jti": jti, "user_id": user_id, "until": until}
        done = await self._connection.execute(
            upsert(self._connection, revocations, row, keys=["jti"], replace=False)
        )
        return done.rowcount == 1

    async def revoked(self, jtis: Collection[str]) -> bool:
        """Tell whether any of these tokens was ended."""
        found = await self._connection.execute(
            select(revocations.c.jti).where(revocations.c.jti.in_(jtis)).limit(1)
        )
        return found.first() is not None

    async def sweep(self, user_id: int, now: datetime) -> None:
        """Forget a user's tokens and revocations that are over by themselves."""
        for table, over in (
            (refresh_tokens, refresh_tokens.c.expires_at),
            (revocations, revocations.c.until),
        ):
            await self._connection.execute(
                delete(table).where(table.c.user_id == user_id, over <= now)
            )
