"""What an open loop promises whoever reads its figures."""

from collections.abc import Sequence

import pytest

from tests.bench.course import LARGEST, Course


class Time:
    """A clock that moves when somebody pauses or works."""

    def __init__(self) -> None:
        self.now = 64.0

    def __call__(self) -> float:
        """Tell the time."""
        return self.now

    async def pause(self, seconds: float) -> None:
        """Let time pass."""
        self.now += seconds


async def test_a_slow_commit_shows_as_lateness_and_not_as_a_lower_rate() -> None:
    """Eight a second over commits of half a second: what is due meanwhile goes in together."""
    time, parts = Time(), []
    course = Course(9, 8, now=time, pause=time.pause)

    async def put(numbers: Sequence[int]) -> None:
        parts.append(list(numbers))
        await time.pause(0.5)

    await course.send(put)
    assert parts == [[0], [1, 2, 3, 4], [5, 6, 7, 8]]
    time.now += 0.25
    for number in range(9):
        course.hit(number)
    found = course.measured()
    assert (found.late50, found.late99) == (625, 875)
    assert found.together == 3
    assert found.appended == 6
    assert found.p99 == 1250


async def test_who_keeps_up_sends_each_at_its_time() -> None:
    """Commits that take no time are one event each, none of them late."""
    time = Time()
    course = Course(16, 8, now=time, pause=time.pause)

    async def put(numbers: Sequence[int]) -> None:
        for each in numbers:
            course.hit(each)

    await course.send(put)
    assert course.done.is_set()
    found = course.measured()
    assert (found.p99, found.late99, found.together) == (0, 0, 1)


async def test_a_commit_is_bounded() -> None:
    """However late the producer is, no commit holds more than it may."""
    time, sizes = Time(), []
    course = Course(3 * LARGEST, 1024, now=time, pause=time.pause)

    async def put(numbers: Sequence[int]) -> None:
        sizes.append(len(numbers))
        await time.pause(60)

    await course.send(put)
    assert sizes == [1, LARGEST, LARGEST, LARGEST - 1]


async def test_time_counts_from_the_commit_or_from_the_call() -> None:
    """Of a way without a commit the call itself is part of an event's time."""
    found = []
    for from_call in (False, True):
        time = Time()
        course = Course(1, 1, from_call=from_call, now=time, pause=time.pause)

        async def put(_: Sequence[int], time: Time = time) -> None:
            await time.pause(2)

        await course.send(put)
        time.now += 1
        course.hit(0)
        found.append(course.measured().p50)
    assert found == [1000, 3000]


def test_an_event_that_comes_twice_is_an_error() -> None:
    """A way that doubles events has no figure."""
    course = Course(2, 1)
    course.hit(0)
    with pytest.raises(ValueError, match="twice"):
        course.hit(0)
    assert not course.done.is_set()
