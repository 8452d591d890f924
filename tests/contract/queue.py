"""What every adapter of `Queue` promises, as checks that any adapter can be put through."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import msgspec

from meeting.kernel.lane import Lane
from meeting.kernel.letter import Held, Letter, read
from meeting.kernel.queue import Place, Queue

QUEUE = "ai_tasks"


class World(Protocol):
    """A queue in an empty store, whose time can be moved."""

    @property
    def queue(self) -> Queue:
        """Return the adapter under test."""

    async def move(self, seconds: float) -> None:
        """Let time pass for holds and delays."""

    async def plant(self, lane: Lane, raw: bytes) -> None:
        """Lay something into a lane that no adapter has looked at."""


def letter(name: str, **fields: Any) -> Letter:
    """Make a task that can be told from others."""
    return Letter(id=name, type="work", payload={"n": name}, **fields)


async def put(world: World, *names: str, **fields: Any) -> int:
    """Put tasks of these names."""
    return await world.queue.put(QUEUE, [letter(name, **fields) for name in names])


async def take(
    world: World, limit: int = 10, owner: str = "a", done: Sequence[Held] = ()
) -> list[Held]:
    """Take what is there."""
    return list(await world.queue.take(QUEUE, owner, limit, done))


async def names(world: World, limit: int = 10, done: Sequence[Held] = ()) -> list[str]:
    """Take and name what was taken."""
    return [held.letter.id for held in await take(world, limit, done=done)]


async def one(world: World, owner: str = "a") -> Held:
    """Take exactly one."""
    (held,) = await take(world, 1, owner)
    return held


async def once(world: World) -> None:
    """Everything that was put is given out once, in its order, and is gone once settled."""
    wanted = [f"t{number:03}" for number in range(50)]
    assert await put(world, *wanted) == 50
    got: list[str] = []
    while some := await take(world, 7):
        got += [held.letter.id for held in some]
        assert await world.queue.settle(some) == []
        assert len(got) <= 50
    assert got == wanted
    await world.move(100)
    assert await take(world) == []


async def lanes(world: World) -> None:
    """Critical comes first, and low is not starved by the others."""
    for lane in Lane:
        await put(world, *(f"{lane.name}{number}" for number in range(40)), priority=int(lane))
    got = await names(world, 40)
    assert got[0].startswith("CRITICAL")
    assert sum(name.startswith("CRITICAL") for name in got) >= 38
    got = []
    while len(got) < 60:
        got += await names(world, 10)
    assert sum(name.startswith("LOW") for name in got) >= 5
    assert sum(name.startswith("HIGH") for name in got) > sum(n.startswith("NORMAL") for n in got)


async def held(world: World) -> None:
    """While a hold lasts nobody else gets the task; when it is over, it comes again, counted."""
    await put(world, "x", visibility_timeout=30)
    first = await one(world)
    await world.move(29)
    assert await take(world) == []
    await world.move(2)
    second = await one(world, "b")
    assert second.fence > first.fence
    assert second.owner == "b"
    assert (first.letter.retry_count, second.letter.retry_count) == (0, 1)
    assert len(second.letter.history) == 1


async def fenced(world: World) -> None:
    """Whoever lost a hold can't settle, fail, extend or give back what another holds."""
    await put(world, "x", visibility_timeout=30)
    old = await one(world)
    await world.move(31)
    new = await one(world, "b")
    assert await world.queue.settle([old]) == [old]
    assert await world.queue.extend([old]) == [old]
    assert not await world.queue.fail(old, "late", 1)
    assert not await world.queue.fail(old, "late", None)
    await world.queue.release([old])
    assert await take(world) == []
    depth = await world.queue.depth(QUEUE)
    assert (depth.held, depth.delayed, depth.dead) == (1, 0, 0)
    assert await world.queue.settle([new]) == []


async def turned(world: World) -> None:
    """What is done ends with the next take, which brings what is next: one step a task."""
    wanted = [f"t{number:03}" for number in range(20)]
    assert await put(world, *wanted) == 20
    got: list[str] = []
    done: list[Held] = []
    while some := await take(world, 3, done=done):
        got += [held.letter.id for held in some]
        assert (await world.queue.depth(QUEUE)).held == len(some)
        done = some
    assert got == wanted
    await world.move(100)
    assert await take(world) == []
    assert await world.queue.find(QUEUE, wanted[-1]) is None


async def freed(world: World) -> None:
    """What ends with a take is gone, also when nothing is given: its key is free."""
    await put(world, "x", key="k")
    hold = await one(world)
    assert await take(world, 0, done=[hold]) == []
    assert await world.queue.find(QUEUE, "x") is None
    assert await put(world, "y", key="k") == 1
    hold = await one(world)
    assert await take(world, done=[hold]) == []
    assert await put(world, "z", key="k") == 1


async def overdue(world: World) -> None:
    """What is done ends before what was held too long comes back, also when it is of that."""
    await put(world, "x", "y", visibility_timeout=30)
    done, _ = await take(world, 2)
    await world.move(31)
    assert await names(world, done=[done]) == ["y"]
    assert await world.queue.find(QUEUE, "x") is None


async def parted(world: World) -> None:
    """Of what is said to be done, that which another holds is left to him; the rest goes on."""
    await put(world, "x", "y", "z", visibility_timeout=30)
    old = await one(world)
    await world.move(31)
    new = await one(world, "b")
    assert (new.letter.id, new.fence > old.fence) == ("x", True)
    mine = await one(world)
    assert await names(world, done=[old, mine]) == ["z"]
    assert await world.queue.find(QUEUE, "y") is None
    assert await world.queue.extend([new]) == []
    assert await world.queue.settle([new]) == []


async def said_twice(world: World) -> None:
    """Who was not told that his tasks have ended says so again, and no other is touched."""
    await put(world, "x", "y", "z")
    hold = await one(world)
    assert await names(world, 1, done=[hold]) == ["y"]
    assert await names(world, 1, done=[hold]) == ["z"]
    assert (await world.queue.depth(QUEUE)).held == 2


async def beating(world: World) -> None:
    """Signs of life keep a hold; one that is over is not brought back to life."""
    await put(world, "x", visibility_timeout=30)
    hold = await one(world)
    for _ in range(3):
        await world.move(20)
        assert await world.queue.extend([hold]) == []
    await world.move(31)
    assert await world.queue.extend([hold]) == [hold]


async def failing(world: World) -> None:
    """What failed comes back after its delay, ahead of others, with its count and history."""
    await put(world, "x", "y")
    assert await world.queue.fail(await one(world), "broken", 10)
    assert (await world.queue.depth(QUEUE)).delayed == 1
    assert await names(world, 1) == ["y"]
    await put(world, "z")
    await world.move(11)
    back, other = await take(world, 2)
    assert (back.letter.id, other.letter.id) == ("x", "z")
    assert back.letter.retry_count == 1
    assert back.letter.history[0].error == "broken"


async def dying(world: World) -> None:
    """A task that is given up lies with the dead, and says why and since when."""
    await put(world, "x", key="k")
    assert await world.queue.fail(await one(world), "hopeless", None)
    (dead,) = await world.queue.list(QUEUE, Place.DEAD, 0, 10)
    found = read(dead.body)
    assert found.payload["error"] == "hopeless"
    assert "failed_at" in found.payload
    assert found.payload["n"] == "x"
    assert await put(world, "y", key="k") == 1


async def poison(world: World) -> None:
    """A task that kills whoever takes it ends with the dead."""
    await put(world, "x", max_retries=2, visibility_timeout=30)
    for _ in range(3):
        await one(world)
        await world.move(31)
    assert await take(world) == []
    depth = await world.queue.depth(QUEUE)
    assert (depth.dead, sum(depth.waiting.values()), depth.held) == (1, 0, 0)


async def spent(world: World) -> None:
    """A task without an attempt left is not given out, and is in the way of none that has one."""
    await put(world, "x", retry_count=9, max_retries=3)
    await put(world, "y")
    assert await names(world, 1) == ["y"]
    assert (await world.queue.depth(QUEUE)).dead == 1


async def unreadable(world: World) -> None:
    """What can't be read lies with the dead as `{raw,error}`, and others go on."""
    await world.plant(Lane.NORMAL, b"{not json")
    await put(world, "y")
    assert await names(world) == ["y"]
    (dead,) = await world.queue.list(QUEUE, Place.DEAD, 0, 10)
    assert set(msgspec.json.decode(dead.body)) == {"raw", "error"}
    assert await world.queue.requeue(QUEUE) == 0


async def given_back(world: World) -> None:
    """What is given back is as if it had not been taken, and first."""
    await put(world, "x", "y")
    await world.queue.release([await one(world)])
    again, _ = await take(world, 2)
    assert again.letter.id == "x"
    assert again.letter.retry_count == 0
    assert again.letter.history == []


async def keyed(world: World) -> None:
    """While a task with a key waits, runs or is delayed, no other is taken in; then one is."""
    assert await put(world, "a", key="k") == 1
    assert await put(world, "b", key="k") == 0
    hold = await one(world)
    assert await put(world, "b", key="k") == 0
    await world.queue.fail(hold, "broken", 10)
    assert await put(world, "b", key="k") == 0
    await world.move(11)
    await world.queue.settle([await one(world)])
    assert await put(world, "b", key="k") == 1
    await world.queue.cancel(QUEUE, "b")
    assert await put(world, "c", key="k") == 1


async def cancelled(world: World) -> None:
    """A cancelled task does not begin, and whoever runs it loses its hold."""
    await put(world, "x", "y")
    hold = await one(world)
    await world.queue.cancel(QUEUE, "x")
    await world.queue.cancel(QUEUE, "y")
    assert await world.queue.extend([hold]) == [hold]
    await world.move(100)
    assert await take(world) == []


async def shown(world: World) -> None:
    """Progress, place and holder of a task can be seen."""
    await put(world, "x")
    hold = await one(world)
    await world.queue.progress(hold, 0.5)
    seen = await world.queue.find(QUEUE, "x")
    assert seen is not None
    assert (seen.place, seen.progress) == (Place.HELD, 0.5)
    assert [each.id for each in await world.queue.list(QUEUE, Place.HELD, 0, 10)] == ["x"]
    assert await world.queue.find(QUEUE, "nobody") is None


async def counted(world: World) -> None:
    """Depth says what is where."""
    await put(world, "a", "b", priority=3)
    await put(world, "c", "d", priority=0)
    await world.queue.fail(await one(world), "broken", None)
    await world.queue.fail(await one(world), "broken", 10)
    await one(world)
    depth = await world.queue.depth(QUEUE)
    assert sum(depth.waiting.values()) == depth.waiting[Lane.LOW] == 1
    assert (depth.held, depth.delayed, depth.dead) == (1, 1, 1)


async def revived(world: World) -> None:
    """A dead letter that is requeued has its attempts again and no error in its payload."""
    await put(world, "x")
    await world.queue.fail(await one(world), "broken", None)
    assert await world.queue.requeue(QUEUE, "x") == 1
    hold = await one(world)
    assert hold.letter.payload == {"n": "x"}
    assert hold.letter.retry_count == 0


async def heirs(world: World) -> None:
    """Of dead letters with one key the longest dead comes back, and the others stay."""
    await put(world, "x", key="k")
    await world.queue.fail(await one(world), "broken", None)
    await world.move(1)
    await put(world, "y", key="k")
    await world.queue.fail(await one(world), "broken", None)
    await world.move(1)
    assert await world.queue.requeue(QUEUE, "x") == 1
    await world.queue.fail(await one(world), "broken", None)
    assert await world.queue.requeue(QUEUE) == 1
    assert await names(world) == ["y"]
    assert (await world.queue.depth(QUEUE)).dead == 1


async def purged(world: World) -> None:
    """Everything of a place can be thrown away, but what is held."""
    await put(world, "a", "b", "c")
    await one(world)
    assert await world.queue.purge(QUEUE, Place.WAITING) == 2
    assert await world.queue.purge(QUEUE, Place.HELD) == 0
    assert (await world.queue.depth(QUEUE)).held == 1


async def rivals(world: World) -> None:
    """Of takers at the same time no two get the same task."""
    await put(world, *(f"t{number}" for number in range(40)))
    found = await asyncio.gather(*(take(world, 10, f"w{number}") for number in range(4)))
    ids = [hold.letter.id for some in found for hold in some]
    assert len(ids) == len(set(ids)) == 40


async def woken(world: World) -> None:
    """Whoever waits is woken by a put."""
    assert await take(world) == []
    waiting = asyncio.create_task(world.queue.wait([QUEUE], 3600))
    await asyncio.sleep(0)
    await put(world, "x")
    done, _ = await asyncio.wait({waiting}, timeout=10)
    waiting.cancel()
    assert done
    assert await names(world) == ["x"]


PROMISES: Sequence[Callable[[World], Awaitable[None]]] = (
    once, lanes, held, fenced, turned, freed, overdue, parted, said_twice, beating, failing,
    dying, poison, spent, unreadable, given_back, keyed, cancelled, shown, counted, revived,
    heirs, purged, rivals, woken,
)  # fmt: skip
