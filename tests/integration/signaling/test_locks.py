"""Rows that several units lock: by key, so that no two of them wait for each other."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from meeting.domains.signaling.model import Timings
from meeting.domains.signaling.stays import Stay, Stays
from meeting.kernel.ids import RandomIds
from meeting.stores.relational import migrate
from meeting.stores.relational.database import Database
from meeting.stores.relational.signaling import SqlSignalingUnit
from meeting.stores.relational.unit import SqlUnits
from tests.clock import MovingClock
from tests.integration.test_postgresql import blocked
from tests.postgres import Postgres

FIRST, SECOND = (Stay(user_id=user, session_id="old") for user in (1, 2))
COMING = [Stay(user_id=user, session_id="new") for user in (2, 1)]


class Scene:
    """Two users who have been told of, the second before the first."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = MovingClock()
        self.units = SqlUnits(database, SqlSignalingUnit, self.clock, RandomIds())
        self.stays = Stays(self.units, self.clock, Timings())

    async def begin(self) -> None:
        """Let both come."""
        for stay in (SECOND, FIRST):
            await self.stays.begin([stay])
            await self.stays.told(stay)


@pytest.fixture
async def scene(cluster: Postgres) -> AsyncIterator[Scene]:
    """An empty house on PostgreSQL, and the two."""
    made = Scene(Database(cluster.database()))
    await migrate.upgrade(made.database)
    await made.begin()
    yield made
    await made.database.close()


async def come(scene: Scene) -> None:
    """Let both open another socket."""
    await scene.stays.begin(COMING)


async def go(scene: Scene) -> None:
    """Let both lose their sockets."""
    await scene.stays.lapse([(SECOND, False), (FIRST, False)])


async def stay(scene: Scene) -> None:
    """Let both stay."""
    await scene.stays.renew([SECOND, FIRST])


@pytest.mark.parametrize("work", [come, go, stay])
async def test_rows_are_locked_by_key(
    scene: Scene, work: Callable[[Scene], Awaitable[None]]
) -> None:
    """Who waits for the first row has none yet that the holder of the first may want next."""
    async with asyncio.TaskGroup() as group, scene.units.write() as unit:
        assert await unit.leases.get(FIRST.key, lock=True) is not None
        group.create_task(work(scene))  # type: ignore[arg-type]
        await blocked(scene.database)
        assert await unit.leases.get(SECOND.key, lock=True) is not None
