"""Relays and consumers killed anywhere over a Redis that forgets: no event lost, none twice."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

import pytest

from meeting.kernel.relay import Posted
from tests.simulation.house import READERS, House
from tests.simulation.loop import Loop, Scene, explore
from tests.simulation.model.feed import Server
from tests.simulation.trace import Silence, digest
from tests.simulation.twin.feed import Base, Redis

SEEDS = 100


def scene(
    base: type[Base] = Base, redis: type[Redis] = Redis, *, joined: bool = True
) -> Scene[None]:
    """Let a house live, and see that all that was announced was done, once and in order."""

    async def play(loop: Loop) -> None:
        house = House(loop, base, redis, joined=joined)
        await house.live()
        for topic, names in READERS.items():
            for name in names:
                assert house.store.done[name, topic] == house.wanted(topic), (name, topic)
        assert house.store.parked == []
        assert house.store.laid == set(house.store.asked)
        assert house.store.said

    return play


class Hasty(Redis):
    """Moves the position, and then sends."""

    async def carry(self, before: int, batch: Sequence[Posted]) -> bool:
        """Mark the batch; whoever dies now has not sent it."""
        server = await self.reach(f"carry {before}")
        if server.position != before:
            return False
        server.position = batch[-1].position
        await self.step(f"marked {before}")
        send(server, batch)
        self.store.lay(batch)
        return True


class Late(Redis):
    """Sends, and moves the position later."""

    async def carry(self, before: int, batch: Sequence[Posted]) -> bool:
        """Send the batch; whoever dies now will send it again."""
        server = await self.reach(f"carry {before}")
        if server.position != before:
            return False
        send(server, batch)
        self.store.lay(batch)
        await self.step(f"sent {before}")
        server.position = batch[-1].position
        return True


def send(server: Server, batch: Sequence[Posted]) -> None:
    """Lay a batch into streams and queues, and leave the position alone."""
    for each in batch:
        if each.message.kind == "task":
            server.queues[each.message.topic].append(each.message)
        else:
            server.streams[each.message.topic].append(each)


class Apart(Redis):
    """Keeps the position with the rows, and not with what is carried."""

    async def position(self) -> int:
        """Look into the database."""
        await self.reach("position")
        return self.store.rows.standing("relay", "")

    async def carry(self, before: int, batch: Sequence[Posted]) -> bool:
        """Mark it there."""
        (await self.reach(f"carry {before}")).position = before
        self.store.rows.cursors["relay", ""] = batch[-1].position
        return await super().carry(before, batch)


class Ruthless(Base):
    """Forgets what is old, read or not."""

    async def trim(self, kept: timedelta, carried: int | None) -> Mapping[str, int]:
        """Ask for no reader."""
        await self.step("trim")
        return self.store.rows.trim(self.store.loop.now() - kept, {}, carried)


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """Say nothing of all that fails on purpose; carry little at a time, forget soon."""
    for name in ("relay", "consumer", "window", "sole"):
        monkeypatch.setattr(f"meeting.kernel.{name}.log", Silence())
    monkeypatch.setattr("meeting.kernel.relay.BATCH", 4)
    monkeypatch.setattr("meeting.kernel.window.LOOK_SECONDS", 5)


def test_nothing_lost_nor_doubled() -> None:
    """Whoever dies and whatever Redis forgets, each event has its effect once, in order."""
    assert explore(scene(), range(SEEDS)) > 0


def test_replays() -> None:
    """The same seed leads to the same trace, another to another."""
    assert digest(scene(), 5) == digest(scene(), 5)
    assert digest(scene(), 5) != digest(scene(), 6)


@pytest.mark.parametrize(
    "broken",
    [
        scene(redis=Hasty),
        scene(redis=Late),
        scene(redis=Apart),
        scene(Ruthless),
        scene(joined=False),
    ],
    ids=[
        "marks before it sends",
        "marks after it has sent",
        "keeps the position elsewhere",
        "forgets what is not read",
        "moves the cursor apart from the effect",
    ],
)
def test_rejects(broken: Scene[None]) -> None:
    """The simulation turns red within its seeds on what loses or doubles, and names the seed."""
    with pytest.raises(AssertionError, match=r"seed \d+ failed"):
        explore(broken, range(SEEDS))
