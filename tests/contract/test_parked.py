"""What lies aside on both databases: within a bound, and whatever strangers put into it."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from meeting.kernel.message import Message
from meeting.stores.relational import parked
from meeting.stores.relational.parked import LISTENER, lay
from tests.contract.feed import TOPIC, park
from tests.contract.worlds import SqlWorld

NOW = datetime(2026, 11, 29, tzinfo=UTC)


@pytest.fixture
async def world(url: str) -> AsyncIterator[SqlWorld]:
    """An empty log."""
    async with SqlWorld.open(url) as opened:
        yield opened


def foreign(number: int) -> Message:
    """Make an event of a stranger."""
    return Message(
        type="number.said",
        payload={"value": "none"},
        at=NOW,
        source="",
        message_id=f"{number:03}",
        kind="foreign",
        topic=TOPIC,
    )


async def flood(world: SqlWorld, consumer: str, numbers: range) -> None:
    """Lay strangers' events aside, two a moment."""
    for number in numbers:
        async with world.database.write() as connection:
            at = NOW + timedelta(seconds=number // 2)
            await lay(connection, consumer, [foreign(number)], ["no number"], 1, at)


async def test_strangers_have_a_bound(world: SqlWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only so many of a stranger's are kept, the last ones; it is said, and ours stay."""
    monkeypatch.setitem(parked.MOST, "foreign", 5)
    (ours,) = await park(world, "a", 1)
    await flood(world, "b", range(2))
    with capture_logs() as logs:
        await flood(world, "a", range(9))
    kept = [each.message.message_id for each in await world.aside.list("a", 0, 50)]
    assert kept == ["004", "005", "006", "007", "008", ours]
    assert len(await world.aside.list("b", 0, 50)) == 2
    assert [each["number"] for each in logs if each["log_level"] == "error"] == [1] * 4


async def test_what_nobody_can_read_stays(world: SqlWorld) -> None:
    """What the listener has laid aside can't be handled again, only looked at or thrown away."""
    await flood(world, LISTENER, range(2))
    assert await world.aside.requeue(LISTENER) == 0
    assert await world.aside.requeue(LISTENER, "000") == 0
    assert [each.again for each in await world.aside.list(LISTENER, 0, 9)] == [False, False]
    assert await world.aside.purge(LISTENER, "000") == 1


async def test_any_error_can_be_kept(world: SqlWorld) -> None:
    """An error that quotes what no database takes as text is kept with signs in its place."""
    async with world.database.write() as connection:
        await lay(connection, "a", [foreign(1)], ["\0 and \ud800" + "x" * 5000], 1, NOW)
    (found,) = await world.aside.list("a", 0, 9)
    assert found.error.startswith("\ufffd and ?x")
    assert len(found.error) == parked.ERROR
