"""First answers on SQL: one row a slot, a marker while its request runs, then the answer."""

from datetime import datetime

from sqlalchemy import (
    Column,
    ColumnElement,
    Integer,
    LargeBinary,
    String,
    Table,
    and_,
    delete,
    func,
    select,
    update,
)

from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.replay import Kept, Slot
from meeting.stores.relational.database import Database, metadata
from meeting.stores.relational.types import BigKey, Moment
from meeting.stores.relational.upsert import upsert

answers = Table(
    "idempotency_answers",
    metadata,
    Column("user_id", BigKey, primary_key=True, autoincrement=False),
    Column("path", String(255), primary_key=True),
    Column("key", String(128), primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("owner", String(32), nullable=False),
    Column("expires_at", Moment, nullable=False, index=True),
    Column("status", Integer),
    Column("body", LargeBinary),
)

MOST = 10_000
"""Slots that one user may hold; above it a new key is refused, because none is forgotten early."""


class SqlAnswers:
    """Satisfies `Answers`."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    async def claim(self, slot: Slot, digest: str, owner: str, until: datetime) -> Kept | None:
        """Take a slot for a request that is to run now; the answer if it has run before."""
        now = self._clock.now()
        async with self._database.write() as connection:
            await connection.execute(delete(answers).where(answers.c.expires_at <= now))
            row = {
                "user_id": slot.user_id,
                "path": slot.path,
                "key": slot.key,
                "digest": digest,
                "owner": owner,
                "expires_at": until,
            }
            fresh = await connection.execute(
                upsert(connection, answers, row, keys=["user_id", "path", "key"], replace=False)
            )
            if fresh.rowcount == 1:
                held = await connection.scalar(
                    select(func.count())
                    .select_from(answers)
                    .where(answers.c.user_id == slot.user_id)
                )
                if (held or 0) > MOST:
                    raise Fault(
                        Kind.RATE_LIMITED,
                        "you used too many Idempotency-Keys within a day; send none",
                        retry_after=3600,
                    )
                return None
            found = (await connection.execute(select(answers).where(_at(slot)))).mappings().first()
        if found is None:
            raise Fault(Kind.CONFLICT, "a request with this Idempotency-Key just failed; try again")
        if found["digest"] != digest:
            raise Fault(
                Kind.CONFLICT,
                "this Idempotency-Key was used with another body; choose a new one",
                details={"Idempotency-Key": "used with another body"},
            )
        if found["status"] is None:
            raise Fault(
                Kind.CONFLICT,
                "the first request with this Idempotency-Key is still running; try again",
                details={"Idempotency-Key": "its first request is still running"},
            )
        return Kept(found["status"], found["body"])

    async def extend(self, slot: Slot, owner: str, until: datetime) -> None:
        """Go on working on a slot."""
        async with self._database.write() as connection:
            await connection.execute(
                update(answers).where(_at(slot, owner)).values(expires_at=until)
            )

    async def keep(self, slot: Slot, owner: str, kept: Kept, until: datetime) -> None:
        """Keep the answer, if the slot is still the owner's."""
        async with self._database.write() as connection:
            await connection.execute(
                update(answers)
                .where(_at(slot, owner))
                .values(expires_at=until, status=kept.status, body=kept.body)
            )

    async def drop(self, slot: Slot, owner: str) -> None:
        """Give the slot back without an answer, if it is still the owner's."""
        async with self._database.write() as connection:
            await connection.execute(delete(answers).where(_at(slot, owner)))


def _at(slot: Slot, owner: str | None = None) -> ColumnElement[bool]:
    own = and_(
        answers.c.user_id == slot.user_id, answers.c.path == slot.path, answers.c.key == slot.key
    )
    return own if owner is None else and_(own, answers.c.owner == owner)
