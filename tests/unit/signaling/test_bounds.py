"""The rate of a socket, and the queue of frames that wait for it."""

import asyncio

from hypothesis import given, strategies as st

from meeting.domains.signaling.outgoing import Outgoing, Signal
from meeting.domains.signaling.rate import Rate


def test_a_second_holds_its_number_of_frames() -> None:
    """Fifty at once pass, then one for each fiftieth of a second."""
    rate = Rate(50, 5)
    assert [rate.allow(10) for _ in range(52)] == [True] * 50 + [False] * 2
    assert rate.allow(10.021)
    assert not rate.allow(10.021)
    assert [rate.allow(12) for _ in range(51)].count(True) == 50


def test_flooding_is_five_seconds_without_a_pause() -> None:
    """A second without refusals begins the count anew."""
    rate = Rate(1, 5)
    now = 0.0
    for pause in [0.5] * 8 + [2.0] + [0.5] * 10:
        assert not rate.flooding
        now += pause
        rate.allow(now)
        rate.allow(now)
    for _ in range(2):
        now += 0.5
        rate.allow(now)
        rate.allow(now)
    assert rate.flooding


def test_a_burst_after_a_pause_is_no_flood() -> None:
    """Two bursts six seconds apart are two, not one long one."""
    rate = Rate(2, 5)
    for now in (1.0, 7.0):
        assert [rate.allow(now) for _ in range(4)] == [True, True, False, False]
    assert not rate.flooding


def test_the_queue_is_bounded_in_frames_and_bytes() -> None:
    """What does not fit is refused, and fits once something was sent."""
    few = Outgoing(frames=2, size=100)
    assert [few.put(b"a"), few.put(b"b"), few.put(b"c")] == [True, True, False]
    small = Outgoing(frames=100, size=10)
    assert [small.put(b"x" * 6), small.put(b"x" * 5), small.put(b"x" * 4)] == [True, False, True]


async def test_a_frame_counts_until_the_writer_is_back() -> None:
    """What a full transport keeps the writer waiting with is within the bound."""
    queue = Outgoing(frames=10, size=10)
    queue.put(b"x" * 6)
    await queue.take()
    assert queue.size == 6
    assert not queue.put(b"x" * 5)
    taking = asyncio.create_task(queue.take())
    await asyncio.sleep(0)
    assert queue.put(b"x" * 10)
    assert await taking == b"x" * 10


async def test_pongs_and_pings_overtake() -> None:
    """A ping goes first, then urgent frames, then the others in order."""
    queue = Outgoing(frames=10, size=100)
    queue.put(b"1")
    queue.put(b"2")
    queue.put(b"pong", urgent=True)
    queue.ping()
    taken = [await queue.take() for _ in range(4)]
    assert taken == [Signal.PING, b"pong", b"1", b"2"]


async def test_the_end_comes_after_what_waits_or_instead() -> None:
    """A finished queue sends what it has, or drops it; what comes later is dropped silently."""
    kept, dropped = Outgoing(10, 100), Outgoing(10, 100)
    for queue, drop in ((kept, False), (dropped, True)):
        queue.put(b"1")
        queue.finish(drop=drop)
        assert queue.put(b"2")
    assert [await kept.take(), await kept.take()] == [b"1", Signal.END]
    assert await dropped.take() is Signal.END
    assert dropped.size == 0


@given(st.lists(st.binary(max_size=8) | st.none(), max_size=60))
def test_the_size_is_what_is_held(steps: list[bytes | None]) -> None:
    """Frames come out in order, none is lost, and the count of bytes is always theirs."""

    async def run() -> None:
        queue = Outgoing(frames=8, size=30)
        held: list[bytes] = []
        for step in steps:
            if step is not None:
                fits = len(held) < 8 and queue.size + len(step) <= 30
                assert queue.put(step) is fits
                held += [step] if fits else []
            elif held:
                assert await queue.take() == held.pop(0)
            assert queue.size - queue._flying == sum(map(len, held))
            assert queue.size <= 30

    asyncio.run(run())
