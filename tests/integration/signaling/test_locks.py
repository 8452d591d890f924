"""Rows that several units lock: by key, so that no two of them wait for each other."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

import pytest
from msgspec.structs import replace
from sqlalchemy import text

from meeting.domains.signaling import register
from meeting.domains.signaling.model import Place, Timings, parted
from meeting.domains.signaling.register import REMEMBERED
from meeting.domains.signaling.roster import LeaseRoster
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
STAYS = FIRST.key, SECOND.key
ROOM = "room_7"
PEERS = [
    Place(
        room_id=ROOM,
        meeting_id=7,
        peer_id=f"peer{user}",
        user_id=user,
        username=f"user{user}",
        session_id="old",
        joined_at=MovingClock().now(),
    )
    for user in (2, 1)
]
PLACES = PEERS[1].key, PEERS[0].key
COMING = [Stay(user_id=user, session_id="new") for user in (2, 1)]


class Scene:
    """Two users who have been told of and are in a room, the second before the first."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.clock = MovingClock()
        self.units = SqlUnits(database, SqlSignalingUnit, self.clock, RandomIds())
        self.stays = Stays(self.units, self.clock, Timings())
        self.roster = LeaseRoster(self.units, self.clock, Timings())

    async def begin(self) -> None:
        """Let both come, and in."""
        for stay in (SECOND, FIRST):
            await self.stays.begin([stay])
            await self.stays.told(stay)
        for peer in PEERS:
            await self.roster.hold(peer)
            await self.roster.admit(replace(peer, admitted=True))
        async with self.database.write() as connection:
            # From now on the server knows how small the table is: it reads all of it, as it lies.
            await connection.execute(text("ANALYZE leases"))


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


async def end(scene: Scene) -> None:
    """End the room, as the end of its meeting does."""
    async with scene.units.write() as unit:
        room = await register.open_(unit, ROOM, scene.clock, Timings())
        assert len(await room.clear("meeting_ended")) == 2


async def sweep(scene: Scene) -> None:
    """End the places of both, whose time is over."""
    scene.clock.move(Timings().held)
    change = await scene.roster.expire(ROOM, PEERS)
    assert change is not None
    assert len(change.left) == 2


@pytest.mark.parametrize(
    ("work", "rows"), [(come, STAYS), (go, STAYS), (stay, STAYS), (end, PLACES), (sweep, PLACES)]
)
async def test_rows_are_locked_by_key(
    scene: Scene, work: Callable[[Scene], Awaitable[None]], rows: Sequence[str]
) -> None:
    """Who waits for the first row has none yet that the holder of the first may want next."""
    async with asyncio.TaskGroup() as group, scene.units.write() as unit:
        assert await unit.leases.get(rows[0], lock=True) is not None
        group.create_task(work(scene))  # type: ignore[arg-type]
        await blocked(scene.database)
        assert await unit.leases.get(rows[1], lock=True) is not None


async def test_marks_of_departures_are_forgotten_without_waiting(scene: Scene) -> None:
    """One that somebody is at stays until the next time; the others go."""
    for peer in PEERS:
        await scene.roster.end(peer, "user_left")
    scene.clock.move(REMEMBERED)
    marks = [parted(ROOM, user) for user in (1, 2)]
    async with scene.units.write() as unit:
        assert await unit.leases.get(marks[0], lock=True) is not None
        await scene.roster.forget(10)
    async with scene.units.read() as unit:
        assert [await unit.leases.get(mark) is None for mark in marks] == [False, True]
    await scene.roster.forget(10)
    async with scene.units.read() as unit:
        assert await unit.leases.get(marks[0]) is None
