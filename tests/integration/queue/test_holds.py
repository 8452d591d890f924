"""Holds on Redis: fences, lapses, and what a server that dies, forgets or is full does to them."""

import pytest

from meeting.kernel.errors import Fault, Kind
from meeting.kernel.lane import Lane, order
from meeting.kernel.letter import Letter
from meeting.kernel.queue import Place
from meeting.transports.queue.queue import RedisQueue
from tests.integration.queue.conftest import Hand, opened
from tests.redis import Redis, redis as server

NAME = "media_tasks"
LETTER = Letter(type="x", payload={"a": []})


async def test_the_fence_of_a_hold_that_lapsed_is_refused(queue: RedisQueue, hand: Hand) -> None:
    """Who was cut off and comes back changes nothing for whoever has the task now."""
    await queue.put(NAME, [LETTER])
    (old,) = await queue.take(NAME, "old", 1)
    hand.over(NAME)
    (new,) = await queue.take(NAME, "new", 1)
    assert new.fence > old.fence
    assert new.letter.retry_count == 1
    before = hand.client.hgetall(f"{NAME}:processing")
    assert await queue.settle([old]) == [old]
    assert await queue.extend([old, new]) == [old]
    assert not await queue.fail(old, "no", 1)
    assert not await queue.fail(old, "no", None)
    await queue.release([old])
    await queue.progress(old, 0.5)
    assert hand.client.hgetall(f"{NAME}:processing") == before
    (seen,) = await queue.list(NAME, Place.HELD, 0, 10)
    assert (seen.owner, seen.progress) == ("new", 0)
    assert not await queue.settle([new])


async def test_fences_rise_over_a_redis_that_was_emptied(queue: RedisQueue, redis: Redis) -> None:
    """A worker from before does not get through to a task of the same id from after."""
    letter = Letter(id="same", type="x", payload={})
    await queue.put(NAME, [letter])
    (old,) = await queue.take(NAME, "me", 1)
    redis.empty()
    await queue.put(NAME, [letter])
    (new,) = await queue.take(NAME, "me", 1)
    assert new.fence > old.fence
    assert await queue.settle([old]) == [old]
    assert not await queue.settle([new])


async def test_a_task_whose_holds_keep_lapsing_dies(queue: RedisQueue, hand: Hand) -> None:
    """A hold that was over counts as an attempt; after the last one it is laid with the dead."""
    await queue.put(NAME, [Letter(type="x", payload={}, max_retries=1, key="k")])
    for attempt in range(2):
        (held,) = await queue.take(NAME, "me", 1)
        assert held.letter.retry_count == attempt
        hand.over(NAME)
    assert await queue.take(NAME, "me", 1) == []
    (dead,) = hand.all(f"{NAME}:dlq")
    assert dead["retry_count"] == 2
    assert "hold" in dead["payload"]["error"]
    left = {each.decode().removeprefix(NAME) for each in hand.client.keys("*")}
    assert left == {":dlq", ":hint", ":state"}


async def test_lapsed_and_due_tasks_come_first_in_their_lane(queue: RedisQueue, hand: Hand) -> None:
    """What had its turn before is at the head of its lane again, in its old order."""
    letters = [Letter(id=str(number), type="x", payload={}) for number in range(4)]
    await queue.put(NAME, letters)
    lapsed = await queue.take(NAME, "me", 2)
    assert [each.letter.id for each in lapsed] == ["0", "1"]
    hand.over(NAME)
    taken = await queue.take(NAME, "me", 4)
    assert [each.letter.id for each in taken] == ["0", "1", "2", "3"]
    await queue.release(taken)
    taken = await queue.take(NAME, "me", 4)
    assert [each.letter.id for each in taken] == ["0", "1", "2", "3"]


@pytest.mark.parametrize("lanes", [tuple(Lane), (Lane.LOW, Lane.HIGH), (Lane.LOW, Lane.CRITICAL)])
@pytest.mark.parametrize("many", [1, 7])
async def test_the_script_follows_the_order_of_the_kernel(
    queue: RedisQueue, lanes: tuple[Lane, ...], many: int
) -> None:
    """Lane by lane, over a whole round of turns, Lua and Python choose the same."""
    rounds = 32 * 7
    letters = [Letter(type="x", payload={}, priority=int(lane)) for lane in lanes]
    await queue.put(NAME, letters * rounds)
    expected = [next(lane for lane in order(turn) if lane in lanes) for turn in range(rounds)]
    found: list[Lane] = []
    while len(found) < rounds:
        taken = await queue.take(NAME, "me", many)
        found += [each.lane for each in taken]
    assert found[:rounds] == expected


async def test_a_redis_that_is_killed_loses_nothing_that_it_took_in() -> None:
    """With `appendfsync always` waiting, held, delayed and dead tasks are there after a kill."""
    with server(append="always") as running:
        async with opened(running) as queue:
            later = Letter(type="later", payload={}, not_before=9e10)
            await queue.put(NAME, [Letter(id=str(n), type="x", payload={}) for n in range(3)])
            await queue.put(NAME, [later])
            held, dead = await queue.take(NAME, "me", 2)
            await queue.fail(dead, "no", None)
            running.kill()
            with pytest.raises(Fault) as caught:
                await queue.settle([held])
            assert caught.value.kind is Kind.UNAVAILABLE
            running.resume()
            depth = await queue.depth(NAME)
            counts = (depth.waiting[Lane.NORMAL], depth.held, depth.delayed, depth.dead)
            assert counts == (1, 1, 1, 1)
            assert not await queue.settle([held])


async def test_a_full_redis_takes_nothing_in_but_lets_work_end() -> None:
    """A put is refused whole; what is there already is worked on, whatever comes of it."""
    with server() as running:
        async with opened(running) as queue:
            await queue.put(NAME, [LETTER] * 6)
            held = await queue.take(NAME, "me", 5)
            with running.client() as plain:
                plain.config_set("maxmemory", 1)
            with pytest.raises(Fault) as caught:
                await queue.put(NAME, [LETTER])
            assert caught.value.details == {"peer": "redis"}
            assert not await queue.extend(held)
            await queue.progress(held[0], 0.5)
            assert not await queue.settle(held[:1])
            assert await queue.fail(held[1], "no", 1)
            assert await queue.fail(held[2], "no", None)
            await queue.release(held[3:4])
            depth = await queue.depth(NAME)
            counts = (depth.waiting[Lane.NORMAL], depth.held, depth.delayed, depth.dead)
            assert counts == (2, 1, 1, 1)
            assert await queue.requeue(NAME) == 1


async def test_a_full_redis_can_be_drained() -> None:
    """Where nothing more fits in, holds that are over, delays that are due and dead come out."""
    with server() as running:
        async with opened(running) as queue:
            last = Letter(type="x", payload={}, max_retries=0)
            await queue.put(NAME, [last, LETTER])
            assert len(await queue.take(NAME, "gone", 2)) == 2
            await queue.put(NAME, [Letter(type="x", payload={}, not_before=9e10)])
            with running.client() as plain:
                Hand(plain).over(NAME)
                plain.config_set("maxmemory", 1)
                again = await queue.take(NAME, "me", 5)
                assert sorted(each.letter.retry_count for each in again) == [0, 1]
                assert not await queue.settle(again)
                depth = await queue.depth(NAME)
                assert (depth.held, depth.delayed, depth.dead) == (0, 0, 1)


@pytest.mark.parametrize(
    "name", ["processing", "holds", "leases", "delayed", "waiting", "lapses", "state", "low"]
)
async def test_a_foreign_key_in_our_place_loses_nothing(
    queue: RedisQueue, hand: Hand, name: str
) -> None:
    """A take that finds a key of another kind is refused before it has popped anything."""
    await queue.put(NAME, [LETTER])
    hand.client.set(f"{NAME}:{name}", "mine")
    with pytest.raises(Fault, match="another kind"):
        await queue.take(NAME, "me", 1)
    hand.client.delete(f"{NAME}:{name}")
    assert len(await queue.take(NAME, "me", 1)) == 1


async def test_a_take_is_bounded_in_bytes(queue: RedisQueue) -> None:
    """Long messages are not all brought at once, however many are asked for."""
    long = Letter(type="x", payload={"audio": "a" * 9_000_000})
    for _ in range(3):
        await queue.put(NAME, [long])
    assert len(await queue.take(NAME, "me", 10)) == 2
    assert len(await queue.take(NAME, "me", 10)) == 1


async def test_a_cancelled_task_does_not_begin_wherever_it_is(
    queue: RedisQueue, hand: Hand
) -> None:
    """Waiting, delayed, at hand or still on its way: it is gone, and its key is free."""
    for number in range(40):
        hand.push(f"{NAME}:low", {"id": f"n{number}", "type": "x", "payload": {}})
    hand.push(NAME, {"id": "bare", "type": "x", "payload": {}})
    await queue.put(NAME, [Letter(id="delayed", type="x", payload={}, not_before=9e10, key="d")])
    await queue.put(NAME, [Letter(id="held", type="x", payload={}, priority=3, key="h")])
    (held,) = await queue.take(NAME, "me", 1)
    for gone in ("n0", "n39", "bare", "delayed", "held", "to come"):
        await queue.cancel(NAME, gone)
        assert await queue.find(NAME, gone) is None
    assert await queue.extend([held]) == [held]
    assert await queue.settle([held]) == [held]
    assert not hand.client.keys(f"{NAME}:key:*")
    hand.push(NAME, {"id": "to come", "type": "x", "payload": {}})
    taken = await queue.take(NAME, "me", 100)
    assert sorted(int(each.letter.id[1:]) for each in taken) == list(range(1, 39))


async def test_a_task_is_found_in_every_place(queue: RedisQueue, hand: Hand) -> None:
    """A long list is looked through piece by piece, also for an id that is written in escapes."""
    for number in range(1500):
        hand.push(f"{NAME}:low", {"id": f"n{number}", "type": "x", "payload": {}})
    hand.client.lpush(f"{NAME}:low", b'{"\\u0069d":"\\u006fdd","type":"x","payload":{}}')
    for wanted in ("n0", "n777", "n1499", "odd"):
        seen = await queue.find(NAME, wanted)
        assert seen is not None
        assert (seen.id, seen.place, seen.lane) == (wanted, Place.WAITING, Lane.LOW)
    assert await queue.find(NAME, "n1500") is None


async def test_what_is_purged_has_no_key_any_more(queue: RedisQueue, hand: Hand) -> None:
    """The same may be asked for again once it was thrown away."""
    keyed = [Letter(type="x", payload={}, key=f"k{number}") for number in range(50)]
    later = [Letter(type="x", payload={}, key=f"l{n}", not_before=9e10) for n in range(50)]
    assert await queue.put(NAME, keyed + keyed + later) == 100
    assert await queue.purge(NAME, Place.HELD) == 0
    assert await queue.purge(NAME, Place.WAITING) == 50
    assert await queue.purge(NAME, Place.DELAYED) == 50
    assert await queue.put(NAME, keyed + later) == 100


async def test_dead_letters_come_back_past_what_can_not_be_read(
    queue: RedisQueue, hand: Hand
) -> None:
    """Many dead letters are revived piece by piece; what is unreadable stays where it is."""
    for number in range(50):
        hand.push(f"{NAME}:dlq", {"id": f"n{number}", "type": "x", "payload": {"error": "no"}})
        hand.push(f"{NAME}:dlq", b"{")
    assert await queue.requeue(NAME, "n7") == 1
    assert await queue.requeue(NAME, "n7") == 0
    assert await queue.requeue(NAME) == 49
    assert hand.client.lrange(f"{NAME}:dlq", 0, -1) == [b"{"] * 50
    assert await queue.purge(NAME, Place.DEAD) == 50
    taken = await queue.take(NAME, "me", 100)
    assert len(taken) == 50
    assert all(each.letter.payload == {} for each in taken)


async def test_a_dead_letter_whose_key_another_has_stays_dead(
    queue: RedisQueue, hand: Hand
) -> None:
    """New attempts come before what waits, with their key, and never beside another of it."""
    await queue.put(NAME, [Letter(id="a", type="x", payload={}, key="k")])
    (held,) = await queue.take(NAME, "me", 1)
    await queue.fail(held, "no", None)
    assert await queue.put(NAME, [Letter(id="b", type="x", payload={}, key="k")]) == 1
    assert await queue.requeue(NAME) == 0
    await queue.purge(NAME, Place.WAITING)
    await queue.put(NAME, [LETTER])
    assert await queue.requeue(NAME) == 1
    assert await queue.put(NAME, [Letter(type="x", payload={}, key="k")]) == 0
    assert [each.letter.id for each in await queue.take(NAME, "me", 1)] == ["a"]
