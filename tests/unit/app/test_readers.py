"""The list of readers that the log is kept for, against the consumers that the house has."""

from pathlib import Path

from meeting.app.assembly.house import build
from meeting.app.config import Config
from meeting.app.readers import READERS
from meeting.kernel.consumer import Consumer


async def test_each_consumer_is_known(tmp_path: Path) -> None:
    """What a consumer of the house has not read is kept, and no name is on the list in vain."""
    house = await build(Config(state_dir=str(tmp_path)))
    owners = [
        getattr(work, "__self__", None) for module in house.modules for work in module.background
    ]
    found = {(each.topic, each.name) for each in owners if isinstance(each, Consumer)}
    assert found == {(topic, name) for topic, names in READERS.items() for name in names}
    for module in reversed(house.modules):
        await module.stop()
