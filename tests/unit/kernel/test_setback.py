"""What followers do when the log has gone back under them."""

import asyncio
from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from meeting.kernel.errors import Fault, Kind
from meeting.kernel.follower import Follower
from meeting.kernel.relay import Posted
from meeting.kernel.setback import LOOK_SECONDS, Setback

ENDS: list[int | Fault] = [12, Fault(Kind.UNAVAILABLE, "away"), 23]


class Ends:
    """A log that has nothing for anybody, and ends where it is told to."""

    def __init__(self, *ends: int | Fault) -> None:
        self.ends = list(ends)
        self.meanwhile: Follower | None = None

    async def end(self) -> int:
        """Return the next end; who reads beside comes further before it is known."""
        if self.meanwhile is not None:
            self.meanwhile.position += 10
        end = self.ends.pop(0)
        if isinstance(end, Fault):
            raise end
        return end

    async def after(self, topic: str, position: int, limit: int = 100) -> Sequence[Posted]:
        """Find nothing."""
        return []

    async def wait(self, topic: str, seconds: float) -> None:
        """Hear nothing."""

    def doubt(self) -> None:
        """Have no copy."""


class Scene:
    """Two followers at 12 and at 3, and how often they lost track."""

    def __init__(self, *ends: int | Fault) -> None:
        self.tail = Ends(*ends)
        self.far, self.near = (Follower(name, self.tail, {}) for name in ("far", "near"))
        self.far.position, self.near.position = 12, 3
        self.losses = 0
        self.pauses: list[float] = []
        followers = (self.near, self.far)
        self.setback = Setback(self.tail, followers, self.lose, pause=self.pause)

    def lose(self) -> None:
        """Count, when all stand at a place that there is."""
        assert self.far.position <= 7
        self.losses += 1

    async def pause(self, seconds: float) -> None:
        """Go on at once, until there is no end more."""
        self.pauses.append(seconds)
        if not self.tail.ends:
            raise asyncio.CancelledError


async def test_it_goes_back_with_the_log() -> None:
    """Whoever is ahead stands at the end, the rest where they are; a line says it, once."""
    scene = Scene(7, 7)
    with capture_logs() as logs:
        await scene.setback.look()
        await scene.setback.look()
    assert (scene.far.position, scene.near.position, scene.losses) == (7, 3, 1)
    assert [(line["log_level"], line["end"], line["heard"]) for line in logs] == [("error", 7, 12)]


async def test_a_log_that_grows_is_left_alone() -> None:
    """Also where a follower comes further while the end is asked for, or the store is away."""
    scene = Scene(*ENDS)
    scene.tail.meanwhile = scene.near
    with capture_logs() as logs, pytest.raises(asyncio.CancelledError):
        await scene.setback.run()
    assert (scene.losses, logs) == (0, [])
    assert scene.pauses == [LOOK_SECONDS] * 4


async def test_what_is_no_absence_is_not_waited_for() -> None:
    """It ends the work, which its module sees."""
    with pytest.raises(Fault) as broken:
        await Scene(Fault(Kind.INTERNAL, "broken")).setback.run()
    assert broken.value.kind is Kind.INTERNAL
