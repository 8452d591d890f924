"""What the post of signalling promises: order, no loss unheard of, an end to every wait."""

import asyncio
from collections.abc import Coroutine, Sequence
from contextlib import suppress
from typing import Any, Protocol

import pytest

from meeting.domains.signaling.ports import Post
from meeting.kernel.errors import Fault, Kind

PATIENCE = 20.0
ANY = bytes(range(256))
"""A frame is bytes, whichever."""


class Ends(Protocol):
    """One process: its post, and what came."""

    @property
    def post(self) -> Post:
        """Return its post."""

    came: list[tuple[bytes, bytes]]
    losses: list[int]
    """How many frames had come when a loss was told."""


class World(Protocol):
    """Three processes that have an inbox, and what may befall it."""

    @property
    def a(self) -> Ends:
        """Return the one that sends."""

    @property
    def b(self) -> Ends:
        """Return the one that reads."""

    @property
    def c(self) -> Ends:
        """Return another."""

    async def cut(self) -> None:
        """Cut all connections."""

    async def pause(self) -> None:
        """Let `b` read nothing for now."""

    async def go_on(self) -> None:
        """Let `b` read on."""

    async def lose(self) -> None:
        """Throw the inbox of `b` away."""

    async def away(self) -> None:
        """Let what carries the frames be away."""

    async def back(self) -> None:
        """Let it be there again, with all that it held."""


async def until(ends: Ends, count: int) -> list[bytes]:
    """Wait for so many frames; no more must come soon."""
    async with asyncio.timeout(PATIENCE):
        while len(ends.came) < count:
            await asyncio.sleep(0.01)
    return [frame for _, frame in ends.came]


async def last(ends: Ends, frame: bytes) -> None:
    """Wait until a frame came."""
    async with asyncio.timeout(PATIENCE):
        while not ends.came or ends.came[-1][1] != frame:
            await asyncio.sleep(0.01)


def numbers(count: int, start: int = 0) -> list[bytes]:
    """Make frames that can be told apart."""
    return [b"%d" % number for number in range(start, start + count)]


async def together(sends: Sequence[Coroutine[Any, Any, int]]) -> list[int]:
    """Send at once, in this order."""
    return list(await asyncio.gather(*(asyncio.create_task(send) for send in sends)))


async def as_sent(world: World) -> None:
    """What is sent at once arrives in its order, byte for byte, and nobody else gets it."""
    frames = [*numbers(150), b"", ANY]
    sent = await together([world.a.post.send(["b"], ANY, frame) for frame in frames])
    assert sent == [1] * len(frames)
    assert await until(world.b, len(frames)) == frames
    assert {head for head, _ in world.b.came} == {ANY}
    assert (world.a.came, world.c.came, world.b.losses) == ([], [], [])


async def to_several(world: World) -> None:
    """Named ones get it, or all but the sender; each once, in the order of the sender."""
    assert await world.a.post.send(["b", "c"], b"h", b"named") == 2
    assert await world.a.post.send(None, b"h", b"all") == 2
    assert await world.a.post.send(["c"], b"h", b"one") == 1
    assert await until(world.c, 3) == [b"named", b"all", b"one"]
    assert await until(world.b, 2) == [b"named", b"all"]
    assert world.a.came == []


async def nobody(world: World) -> None:
    """Who has no inbox gets none by being written to."""
    for _ in range(2):
        assert await world.a.post.send(["x"], b"h", b"f") == 0
    assert await world.a.post.send(["x", "b"], b"h", b"f") == 1


async def resumed(world: World) -> None:
    """A connection that is cut costs no frame of which it was said that it was sent."""
    wanted: list[bytes] = []
    for number in range(40):
        if number % 10 == 5:
            await world.cut()
        frame = b"%d" % number
        with suppress(Fault):
            assert await world.a.post.send(["b"], b"h", frame) == 1
            wanted.append(frame)
    await world.cut()
    got = await until(world.b, len(wanted))
    assert [frame for frame in got if frame in wanted] == wanted
    assert world.b.losses == []
    assert len(wanted) > 30


async def gap_is_told(world: World) -> None:
    """What is pushed out unread is told of, before what comes behind it."""
    await world.a.post.send(["b"], b"h", b"before")
    await last(world.b, b"before")
    await world.pause()
    frames = numbers(700)
    for start in range(0, 700, 100):
        await together(
            [world.a.post.send(["b"], b"h", each) for each in frames[start : start + 100]]
        )
    await world.go_on()
    await last(world.b, frames[-1])
    got = [frame for _, frame in world.b.came][1:]
    assert 0 < len(got) < len(frames)
    assert got == frames[-len(got) :]
    assert world.b.losses == [1]


async def loss_is_told(world: World) -> None:
    """An inbox that is gone is made anew, once it is noticed, and what may be lost is told of."""
    await world.lose()
    async with asyncio.timeout(PATIENCE):
        while await world.a.post.send(["b"], b"h", b"after") == 0:
            await asyncio.sleep(0.01)
    assert await until(world.b, 1) == [b"after"]
    assert world.b.losses == [0]


async def bounded(world: World) -> None:
    """While it is away each sender is told so; then it goes on, in order and once."""
    await world.away()
    sends = [world.a.post.send(["b"], b"h", b"lost") for _ in range(10_000)]
    ends = await asyncio.gather(*sends, return_exceptions=True)
    assert {end.kind for end in ends if isinstance(end, Fault)} == {Kind.UNAVAILABLE}
    assert all(isinstance(end, Fault) for end in ends)
    await world.back()
    for number in range(3):
        async with asyncio.timeout(PATIENCE):
            while True:
                with suppress(Fault):
                    if await world.a.post.send(["b"], b"h", b"%d" % number):
                        break
                await asyncio.sleep(0.05)
    await last(world.b, b"2")
    assert [frame for _, frame in world.b.came if frame != b"lost"] == numbers(3)


async def many_at_once(world: World) -> None:
    """Two senders at once: each arrives in its own order."""
    frames = numbers(90)
    await asyncio.gather(
        together([world.a.post.send(["b"], b"a", frame) for frame in frames]),
        together([world.c.post.send(["b"], b"c", frame) for frame in frames]),
    )
    await until(world.b, 180)
    for head in (b"a", b"c"):
        assert [frame for sender, frame in world.b.came if sender == head] == frames


PROMISES = (
    as_sent,
    to_several,
    nobody,
    resumed,
    gap_is_told,
    loss_is_told,
    bounded,
    many_at_once,
)
red = pytest.raises((AssertionError, TimeoutError))
