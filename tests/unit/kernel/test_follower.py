"""What a follower hears from its end on, and what does not stop it."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import pytest
from structlog.testing import capture_logs

from meeting.kernel.errors import Fault, Kind
from meeting.kernel.follower import IDLE_SECONDS, LONGEST_PAUSE, Follower
from meeting.kernel.message import Message
from meeting.kernel.relay import Posted
from tests.contract.feed import TOPIC, Number, Whisper

AWAY = Fault(Kind.UNAVAILABLE, "away")


class Pages:
    """A tail of one topic that is away as often as it is told to."""

    def __init__(self) -> None:
        self.log: list[Posted] = []
        self.faults: list[Fault | None] = []
        """What the next looks raise, None: nothing; when there are no more, they work."""
        self.grown = asyncio.Event()
        self.waits: list[float] = []

    def say(self, value: Any, kind: str = Number.TYPE) -> None:
        """Write an event down."""
        place = len(self.log) + 1
        said = Message(
            type=kind,
            payload={"value": value},
            at=datetime(2026, 1, 1, tzinfo=UTC),
            source="numbers",
            message_id=str(place),
            topic=TOPIC,
        )
        self.log.append(Posted(place, said))
        self.grown.set()

    async def end(self) -> int:
        """Return the last position."""
        self._look()
        return len(self.log)

    async def after(self, topic: str, position: int, limit: int = 100) -> Sequence[Posted]:
        """Return what is behind a position."""
        assert topic == TOPIC
        self.grown.clear()
        self._look()
        return self.log[position : position + limit]

    async def wait(self, topic: str, seconds: float) -> None:
        """Return when it has grown since the last look."""
        self.waits.append(seconds)
        await self.grown.wait()

    def doubt(self) -> None:
        """Have no copy."""

    def _look(self) -> None:
        fault = self.faults.pop(0) if self.faults else None
        if fault is not None:
            raise fault


class Scene:
    """A follower of numbers, of which 13 fails, and the pauses that it made."""

    def __init__(self) -> None:
        self.tail = Pages()
        self.heard: list[int] = []
        self.over = asyncio.Event()
        self.pauses: list[float] = []
        self.follower = Follower(TOPIC, self.tail, {Number: self.take}, pause=self.pause)

    def take(self, event: Number) -> None:
        """Hear a number; 0 is the last."""
        if event.value == 13:
            raise ZeroDivisionError
        self.heard.append(event.value)
        if event.value == 0:
            self.over.set()

    async def pause(self, seconds: float) -> None:
        """Note a pause instead of making it."""
        self.pauses.append(seconds)
        await asyncio.sleep(0)

    async def run(self) -> None:
        """Run it as its module does, until it has heard the 0."""
        running = asyncio.create_task(self.follower.run())
        over = asyncio.create_task(self.over.wait())
        async with asyncio.timeout(10):
            await asyncio.wait({running, over}, return_when=asyncio.FIRST_COMPLETED)
        assert not running.done(), running
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def scene() -> Scene:
    """A follower that has not begun."""
    return Scene()


async def test_it_hears_what_comes_after_its_beginning(scene: Scene) -> None:
    """Nothing of what was before, then each event once, in order, and none of other types."""
    scene.tail.say(1)
    await scene.follower.begin()
    for value in range(2, 500):
        scene.tail.say(value if value != 13 else 14)
        scene.tail.say(value, Whisper.TYPE)
    scene.tail.say(0)
    await scene.run()
    assert scene.heard == [*range(2, 13), 14, *range(14, 500), 0]


async def test_it_begins_once(scene: Scene) -> None:
    """Until the end is known nothing has begun; who asks again moves it no further."""
    scene.tail.faults = [AWAY]
    with pytest.raises(Fault):
        await scene.follower.begin()
    assert not scene.follower.begun.is_set()
    running = asyncio.create_task(scene.follower.run())
    scene.tail.say(1)
    await scene.follower.begin()
    assert scene.follower.begun.is_set()
    scene.tail.say(2)
    await scene.follower.begin()
    scene.tail.say(0)
    async with asyncio.timeout(10):
        await scene.over.wait()
    assert scene.heard == [2, 0]
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_at_rest_it_waits_for_growth(scene: Scene) -> None:
    """No longer than a lost wake-up may cost, and what comes meanwhile is heard."""
    await scene.follower.begin()
    running = asyncio.create_task(scene.follower.run())
    async with asyncio.timeout(10):
        while not scene.tail.waits:
            await asyncio.sleep(0)
        scene.tail.say(0)
        await scene.over.wait()
    assert scene.tail.waits[0] == IDLE_SECONDS
    assert scene.pauses == []
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)


async def test_stores_that_are_away_are_waited_for(scene: Scene) -> None:
    """Ever more slowly up to a bound, as long as it takes; nothing is passed over."""
    await scene.follower.begin()
    scene.tail.say(1)
    scene.tail.say(0)
    scene.tail.faults = [AWAY] * 9
    await scene.run()
    assert scene.heard == [1, 0]
    assert scene.pauses == [0.1, 0.2, 0.4, 0.8, 1.6, *[LONGEST_PAUSE] * 4]


async def test_the_pause_begins_anew(scene: Scene) -> None:
    """After a look that went well the next trouble is waited for as briefly as the first."""
    await scene.follower.begin()
    for value in (*range(1, 300), 0):
        scene.tail.say(value if value != 13 else 14)
    scene.tail.faults = [AWAY, AWAY, None, AWAY, AWAY]
    await scene.run()
    assert scene.pauses == [0.1, 0.2, 0.1, 0.2]


@pytest.mark.parametrize(
    ("value", "line"),
    [("many", "event can't be read"), (None, "event can't be read"), (13, "event failed")],
)
async def test_an_event_that_fails_costs_a_line(scene: Scene, value: Any, line: str) -> None:
    """What can't be read, or whose effect fails, is named, once, and the next is heard."""
    await scene.follower.begin()
    scene.tail.say(value)
    scene.tail.say(0)
    with capture_logs() as logs:
        await scene.run()
    assert scene.heard == [0]
    assert scene.pauses == []
    (found,) = logs
    assert (found["event"], found["type"], found["message_id"]) == (line, Number.TYPE, "1")
    assert "many" not in str(found)
