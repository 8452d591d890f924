"""What has arrived of a stream: bounded by the window, whole or not at all."""

import asyncio

import pytest

from meeting.transports.grpc.inbox import Broken, Inbox, Lost


def inbox() -> tuple[Inbox, list[int]]:
    """Make one, and a list of what it lets the peer send on."""
    acked: list[int] = []
    return Inbox(acked.append), acked


async def test_reading_lets_the_peer_send_on() -> None:
    """Only what somebody reads makes room in the window; what nobody will read does at the end."""
    box, acked = inbox()
    box.add(b"abc", 3)
    box.add(b"de", 7)  # with padding, which counts
    assert acked == []
    assert await box.read(2) == b"ab"
    assert acked == [3]
    assert await box.read(3) == b"cde"
    assert acked == [3, 7]
    box.add(b"fg", 2)
    assert (box.unacked_size(), box.unacked_size()) == (2, 0)


async def test_empty_frames_are_nothing() -> None:
    """A flood of empty frames, which no window counts, takes no memory and ends no message."""
    box, acked = inbox()
    for _ in range(1000):
        box.add(b"", 0)
    assert not box._arrived
    waiting = asyncio.create_task(box.read(1))
    await asyncio.sleep(0)
    box.add(b"", 0)
    await asyncio.sleep(0)
    assert not waiting.done()
    box.add(b"a", 1)
    assert await waiting == b"a"
    assert acked == [1]


async def test_the_end() -> None:
    """At its end a stream gives nothing, within a message it is broken, and a lost one is lost."""
    box, _ = inbox()
    box.add(b"ab", 2)
    box.eof()
    assert await box.read(2) == b"ab"
    assert await box.read(5) == b""
    box, _ = inbox()
    box.add(b"ab", 2)
    box.eof()
    with pytest.raises(Broken):
        await box.read(3)
    box, _ = inbox()
    box.add(b"ab", 2)
    box.lose("it went away")
    assert await box.read(2) == b"ab"
    with pytest.raises(Lost, match="went away"):
        await box.read(1)
