"""Who reads the log: consumers, for which it is kept, and followers, each woken by itself."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from meeting.app.assembly.house import build
from meeting.app.config import Config
from meeting.app.readers import READERS
from meeting.kernel.consumer import Consumer
from meeting.kernel.follower import Follower
from meeting.kernel.setback import Setback


@asynccontextmanager
async def owners(folder: Path) -> AsyncIterator[list[object]]:
    """Build the house; whose methods run in the background."""
    house = await build(Config(state_dir=str(folder)))
    yield [getattr(work, "__self__", None) for each in house.modules for work in each.background]
    for module in reversed(house.modules):
        await module.stop()


async def test_each_consumer_is_known(tmp_path: Path) -> None:
    """What a consumer of the house has not read is kept, and no name is on the list in vain."""
    async with owners(tmp_path) as readers:
        found = {(each.topic, each.name) for each in readers if isinstance(each, Consumer)}
    assert found == {(topic, name) for topic, names in READERS.items() for name in names}


async def test_each_follower_is_woken(tmp_path: Path) -> None:
    """Two of one topic share no tail, which would wake the one that looked last alone."""
    async with owners(tmp_path) as readers:
        found = [each for each in readers if isinstance(each, Follower)]
        assert len(found) == 4
        assert len({(each.topic, id(each.tail)) for each in found}) == len(found)


async def test_each_follower_is_brought_back(tmp_path: Path) -> None:
    """Somebody looks whether the log has gone back, for all that follow it."""
    async with owners(tmp_path) as readers:
        found = {each for each in readers if isinstance(each, Follower)}
        setbacks = [each for each in readers if isinstance(each, Setback)]
        assert {each for setback in setbacks for each in setback.followers} == found
