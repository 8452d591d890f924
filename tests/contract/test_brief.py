"""What the log keeps of topics that nobody reads who was away."""

from datetime import timedelta

from sqlalchemy import select

from meeting.kernel.clock import SystemClock
from meeting.kernel.ids import RandomIds
from meeting.stores.relational.outbox import outbox
from meeting.stores.relational.unit import SqlUnits
from meeting.stores.relational.window import SqlKeeper
from tests.clock import MovingClock
from tests.contract.feed import TOPIC, Number
from tests.contract.house import Word
from tests.contract.worlds import NumberUnit, SqlWorld


async def test_a_brief_topic_is_kept_for_its_own_time(url: str) -> None:
    """It is trimmed while the others are kept, though not for longer than they are."""
    async with SqlWorld.open(url) as world:
        clock = MovingClock()
        clock.move(SystemClock().now() - timedelta(hours=1) - clock.now())
        units = SqlUnits(world.database, NumberUnit, clock, RandomIds())
        async with units.write() as unit:
            unit.append(Number(value=1))
            unit.append(Word())
            unit.append(Number(value=2))
        brief = {Word.TOPIC: timedelta(minutes=15)}
        keeper = SqlKeeper(world.database, SystemClock(), {}, brief=brief)

        async def left() -> list[str]:
            async with world.database.read() as connection:
                rows = await connection.execute(select(outbox.c.topic).order_by(outbox.c.position))
                return list(rows.scalars())

        await keeper.trim(timedelta(days=1), None)
        assert await left() == [TOPIC, TOPIC]
        await keeper.trim(timedelta(minutes=1), None)
        assert await left() == [TOPIC]  # the last row stays in any case
