"""What the feed over Redis promises beyond a feed: failures of Redis, of relays, and strangers."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import delete, func, select, update

from meeting.kernel.ids import RandomIds
from meeting.kernel.message import Message
from meeting.kernel.relay import Relay
from meeting.stores.relational.outbox import Posts, outbox
from meeting.stores.relational.parked import parked
from meeting.stores.relational.window import SqlKeeper
from tests.contract.feed import TOPIC, Number, everything, say, take
from tests.contract.worlds import Stepped
from tests.redis import Redis

FOREIGN: dict[str, Any] = {"type": "number.said", "payload": {"value": 7}, "timestamp": 1}


@pytest.fixture
async def world(url: str, redis: Redis) -> AsyncIterator[Stepped]:
    """An empty log over an empty Redis."""
    async with Stepped.open(url, redis.url()) as opened:
        yield opened


async def test_an_emptied_redis(world: Stepped, redis: Redis) -> None:
    """A Redis that loses all in the middle costs no event, and repeats none."""
    await say(world, *range(10))
    taken = await take(world, "a", 4)
    redis.empty()
    await say(world, 10, 11)
    assert taken + await everything(world, "a") == list(range(12))


async def test_a_lost_position(world: Stepped, redis: Redis) -> None:
    """Streams without a position, or further than it, are thrown away and carried anew."""
    await say(world, *range(5))
    taken = await take(world, "a", 2)
    with redis.client() as other:
        other.delete("outbox:position")
        await say(world, 5)
        other.xadd(f"{TOPIC}:log", {"m": b"rubbish"}, id="999999-0")
        await say(world, 6)
    assert taken + await everything(world, "a") == list(range(7))


@pytest.mark.parametrize("ahead", [1, 10**6])
async def test_a_stranger_who_writes_into_a_stream(
    world: Stepped, redis: Redis, ahead: int
) -> None:
    """Whatever lies beyond what was carried moves no cursor: no event is passed over for it."""
    await say(world, 1, 2)
    taken = {"a": await take(world, "a", 1), "b": []}
    forged = Message.of(Number(value=99), "numbers", world.clock, RandomIds())
    async with world.rows.write() as unit:  # committed, and not carried yet
        unit.append(Number(value=3))
    with redis.client() as other:
        place = int(other.get("outbox:position")) + ahead
        other.xadd(f"{TOPIC}:log", {"m": msgspec.json.encode(forged)}, id=f"{place}-0")
    for name, numbers in taken.items():
        numbers.extend(await everything(world, name))
    await world.carry()
    await say(world, 4)
    for name, numbers in taken.items():
        numbers.extend(await everything(world, name))
    assert taken == {"a": [1, 2, 3, 4], "b": [1, 2, 3, 4]}


async def test_a_position_of_another_database(world: Stepped, redis: Redis) -> None:
    """A database that is younger than the Redis beside it is carried from its beginning."""
    with redis.client() as other:
        other.set("outbox:position", 5000)
    await say(world, 1, 2)
    assert await everything(world, "a") == [1, 2]


async def test_two_relays(world: Stepped) -> None:
    """Relays that run at once carry everything, once."""
    relays = [Relay(Posts(world.database), world.carrier) for _ in range(3)]
    async with world.rows.write() as unit:
        for value in range(300):
            unit.append(Number(value=value))
    while any(await asyncio.gather(*(relay.step() for relay in relays))):
        pass
    assert await everything(world, "a") == list(range(300))


async def test_a_stranger_counts_once(world: Stepped, redis: Redis) -> None:
    """The same message twice, in two processes, with or without an id, has one effect."""
    for body in (FOREIGN, FOREIGN | {"message_id": "x" * 32, "payload": {"value": 8}}):
        raw = json.dumps(body).encode()
        for _ in range(2):
            world.listener.note(TOPIC, raw)
        await world.adopt()
        world.listener.note(TOPIC, raw)
        await world.adopt()
    assert await everything(world, "a") == [7, 8]


async def test_our_own_comes_back(world: Stepped, redis: Redis) -> None:
    """Our own PUBLISH, heard before or after the log's copy, with or without memory, is one."""
    await say(world, 1)
    (entry,) = await world.feed.pull("a", TOPIC)
    raw = json.dumps(FOREIGN | {"message_id": entry.message.message_id}).encode()
    world.listener._ours.clear()
    world.listener.note(TOPIC, raw)
    await world.adopt()
    assert await everything(world, "a") == [1]
    world.listener.note(TOPIC, raw)
    await world.adopt()
    assert await everything(world, "a") == []


@pytest.mark.parametrize("raw", [b"\xff", b"[]", b'{"type":1}', b"[" * 99, b'{"type":"a\\u0000"}'])
async def test_rubbish_is_parked(world: Stepped, raw: bytes) -> None:
    """What can't be read is laid aside, once, where it can be seen; the rest goes on."""
    world.listener.note(TOPIC, raw)
    world.listener.note(TOPIC, raw)
    world.listener.note(TOPIC, json.dumps(FOREIGN).encode())
    await world.adopt()
    async with world.database.read() as connection:
        rows = (await connection.execute(select(parked))).all()
    assert [(row.consumer, row.topic) for row in rows] == [("listener", TOPIC)]
    assert await everything(world, "a") == [7]


async def test_nobody_loses_what_it_has_not_read(world: Stepped, redis: Redis) -> None:
    """Old entries go when all readers have them, in both places; a slow reader keeps its own."""
    await say(world, *range(6))
    assert await everything(world, "fast") == list(range(6))
    assert await take(world, "slow", 2) == [0, 1]
    assert await take(world, "gone", 1) == [0]
    async with world.database.write() as connection:
        old = world.clock.now() - timedelta(days=3)
        await connection.execute(update(outbox).values(at=old))
    keeper = SqlKeeper(world.database, world.clock, {TOPIC: ("fast", "slow")})
    firsts = await keeper.trim(timedelta(days=1), await world.carrier.position())
    await world.carrier.trim(firsts)
    with redis.client() as other:
        assert other.xlen(f"{TOPIC}:log") == 4
    assert await everything(world, "slow") == [2, 3, 4, 5]
    await keeper.trim(timedelta(days=1), await world.carrier.position())
    async with world.database.read() as connection:
        assert (await connection.execute(select(func.count()).select_from(outbox))).scalar() == 1
    await say(world, 6)
    assert await everything(world, "slow") == [6]


async def test_parked_again(world: Stepped) -> None:
    """What a stranger says anew when it is forgotten here can be parked anew."""
    for _ in range(2):
        world.listener._ours.clear()
        world.listener.note(TOPIC, json.dumps(FOREIGN | {"message_id": "again"}).encode())
        await world.adopt()
        (entry,) = await world.feed.pull("a", TOPIC)
        async with world.units.write() as unit:
            await unit.park(entry, "it fails", 5)
        await say(world, 1)
        assert await everything(world, "a") == [1]
        async with world.database.write() as connection:
            await connection.execute(delete(outbox).where(outbox.c.message_id == "again"))
    async with world.database.read() as connection:
        assert (await connection.execute(select(func.count()).select_from(parked))).scalar() == 1
