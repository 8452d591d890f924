"""Others push into the lists of a queue and pop from them, with code that knows nothing of ours."""

import asyncio
import json
from typing import Any

import pytest

from meeting.kernel.lane import Lane
from meeting.kernel.letter import Letter
from meeting.kernel.queue import Place
from meeting.transports.queue.queue import RedisQueue
from tests.integration.queue.conftest import Hand

BODY = {"type": "user.login", "payload": {"user_id": 7}}


@pytest.mark.parametrize(
    ("key", "lane"),
    [
        ("user_tasks:critical", Lane.CRITICAL),
        ("user_tasks:high", Lane.HIGH),
        ("user_tasks:normal", Lane.NORMAL),
        ("user_tasks", Lane.NORMAL),
        ("user_tasks:low", Lane.LOW),
    ],
)
async def test_whoever_pushes_is_served(
    queue: RedisQueue, hand: Hand, key: str, lane: Lane
) -> None:
    """A message with type and payload alone is taken from any list, and gets the rest."""
    hand.push(key, BODY)
    (held,) = await queue.take("user_tasks", "me", 5)
    assert held.letter.payload == {"user_id": 7}
    assert held.lane is lane
    assert len(held.letter.id) == 32
    assert held.letter.processing_start_time > 0
    kept = {
        k.decode(): json.loads(v) for k, v in hand.client.hgetall("user_tasks:processing").items()
    }
    stamps = {"id": held.letter.id, "processing_start_time": held.letter.processing_start_time}
    assert kept == {held.letter.id: BODY | stamps}
    await queue.release([held])
    assert hand.all(key) == [BODY | {"id": held.letter.id}]
    (again,) = await queue.take("user_tasks", "me", 5)
    assert not await queue.settle([again])
    assert not {
        each for each in hand.client.keys("user_tasks*") if not each.endswith(b":state")
    } - {b"user_tasks:hint"}


async def test_the_bare_list_and_the_prefixed_one_take_turns(queue: RedisQueue, hand: Hand) -> None:
    """Neither of the two lists that are read as normal starves the other."""
    for number in range(3):
        hand.push("user_tasks", BODY | {"id": f"bare {number}"})
        hand.push("user_tasks:normal", BODY | {"id": f"prefixed {number}"})
    taken = await queue.take("user_tasks", "me", 6)
    assert [each.letter.id for each in taken] == [
        "prefixed 0", "bare 0", "prefixed 1", "bare 1", "prefixed 2", "bare 2",
    ]  # fmt: skip


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"{}",
        b"{}}",
        b'"text"',
        b'{"type": "x"}',
        b'{"type": "x", "payload": []}',
        b'{"type": "x", "payload": {}, "timestamp": NaN}',
        b'{"type": "x", "payload": {}, "visibility_timeout": -1}',
        b'{"type": "x", "payload": {}, "visibility_timeout": []}',
        b'{"type": "x", "payload": {}, "not_before": {}}',
        b'{"type": "x", "payload": {}, "retry_count": 1e99}',
        b"\xff\xfe",
        b'{"type": "\xff", "payload": {}}',
        b'{"type": "x", "payload": ' + b'{"a":' * 40 + b"1" + b"}" * 40 + b"}",
        b"[" * 5000,
    ],
)
async def test_what_can_not_be_read_is_laid_with_the_dead(
    queue: RedisQueue, hand: Hand, raw: bytes
) -> None:
    """It is seen there with what is wrong with it, and what lies behind it is served."""
    hand.push("user_tasks:high", raw)
    hand.push("user_tasks:high", BODY)
    (held,) = await queue.take("user_tasks", "me", 1)
    assert held.letter.type == "user.login"
    (dead,) = hand.all("user_tasks:dlq")
    assert dead["error"]
    # What is JSON may have got an id at the take.
    assert dead["raw"].startswith(raw.decode(errors="backslashreplace")[:-1])
    (seen,) = await queue.list("user_tasks", Place.DEAD, 0, 10)
    assert seen.id == ""
    assert (await queue.depth("user_tasks")).held == 1
    assert await queue.requeue("user_tasks") == 0
    assert len(hand.all("user_tasks:dlq")) == 1


@pytest.mark.parametrize("bad", [None, 5, "", "x" * 65, ["a"], {"id": "a"}])
async def test_an_id_that_is_none_is_replaced(queue: RedisQueue, hand: Hand, bad: Any) -> None:
    """A task is not lost for an id that can't be one; it keeps the new one when it comes again."""
    hand.push("user_tasks", {"id": bad} | BODY)
    (held,) = await queue.take("user_tasks", "me", 1)
    assert len(held.letter.id) == 32
    hand.over("user_tasks")
    (again,) = await queue.take("user_tasks", "me", 1)
    assert again.letter.id == held.letter.id
    assert await queue.fail(again, "no", None)
    assert hand.all("user_tasks:dlq")[0]["id"] == held.letter.id


async def test_a_foreign_consumer_gets_the_message_of_the_contract(
    queue: RedisQueue, hand: Hand
) -> None:
    """Who pops with BLPOP gets JSON with every field that the contract says is there."""
    letter = Letter(type="user.register", payload={"user_id": 7}, priority=2)
    assert await queue.put("user_tasks", [letter]) == 1
    key, raw = hand.client.blpop(["user_tasks:critical", "user_tasks:high"], timeout=1)
    assert key == b"user_tasks:high"
    found = json.loads(raw)
    assert len(found.pop("id")) == 32
    assert found.pop("timestamp") > 1.7e9
    assert found == {
        "type": "user.register",
        "payload": {"user_id": 7},
        "priority": 2,
        "retry_count": 0,
        "max_retries": 3,
        "timeout": 30,
        "visibility_timeout": 30,
    }


async def test_a_payload_comes_through_as_it_was(queue: RedisQueue, hand: Hand) -> None:
    """Empty arrays and long numbers survive a lapse, a retry, death and new attempts."""
    payload = {"tags": [], "n": 12345678901234567, "o": {}, "text": 'päß \\u0000 "}', "f": 1.5}
    hand.push("user_tasks:low", {"type": "x", "payload": payload, "extra": []})
    (held,) = await queue.take("user_tasks", "me", 1)
    assert held.letter.payload == payload
    hand.over("user_tasks")
    (held,) = await queue.take("user_tasks", "me", 1)
    assert await queue.fail(held, "no", 1)
    hand.over("user_tasks")
    (held,) = await queue.take("user_tasks", "me", 1)
    assert held.letter.payload == payload
    assert held.letter.retry_count == 2
    assert await queue.fail(held, "no", None)
    (dead,) = hand.all("user_tasks:dlq")
    assert dead["payload"].keys() - payload.keys() == {"error", "failed_at"}
    assert await queue.requeue("user_tasks") == 1
    (held,) = await queue.take("user_tasks", "me", 1)
    assert held.letter.payload == payload


async def test_a_message_for_later_waits_wherever_it_was_pushed(
    queue: RedisQueue, hand: Hand
) -> None:
    """A foreign message with `not_before` is laid aside until then, and has its key in vain."""
    hand.push("user_tasks:high", BODY | {"not_before": 9e10, "key": "once"})
    assert await queue.take("user_tasks", "me", 1) == []
    (seen,) = await queue.list("user_tasks", Place.DELAYED, 0, 10)
    assert seen.until == 9e10
    assert seen.lane is Lane.HIGH
    assert await queue.put("user_tasks", [Letter(type="x", payload={}, key="once")]) == 1
    hand.over("user_tasks")
    taken = await queue.take("user_tasks", "me", 5)
    assert {each.letter.type for each in taken} == {"user.login", "x"}
    assert not await queue.settle(taken)
    assert not hand.client.keys("user_tasks:key:*")


async def test_a_second_task_of_an_id_that_is_at_hand_is_dead(
    queue: RedisQueue, hand: Hand
) -> None:
    """The first is not disturbed, and the second does not begin beside it."""
    hand.push("user_tasks", BODY | {"id": "a"})
    hand.push("user_tasks", BODY | {"id": "a", "payload": {"user_id": 8}})
    (held,) = await queue.take("user_tasks", "me", 5)
    assert held.letter.payload == {"user_id": 7}
    (dead,) = hand.all("user_tasks:dlq")
    assert dead["id"] == "a"
    assert dead["payload"]["user_id"] == 8
    assert not await queue.settle([held])


async def test_a_foreign_push_is_noticed_soon(queue: RedisQueue, hand: Hand) -> None:
    """Who waits returns without any hint, so that a plain RPUSH is served."""
    async with asyncio.timeout(5):
        await queue.wait(["user_tasks"], 60)


async def test_one_of_ours_is_noticed_at_once(queue: RedisQueue) -> None:
    """The wait ends with the put, also where it was cut off once."""
    assert await queue.take("user_tasks", "me", 1) == []
    cut = asyncio.create_task(queue.wait(["user_tasks"], 60))
    await asyncio.sleep(0)
    cut.cancel()
    waits = asyncio.create_task(queue.wait(["user_tasks", "ai_tasks"], 60))
    await queue.put("user_tasks", [Letter(type="x", payload={})])
    async with asyncio.timeout(5):
        await waits
    assert len(await queue.take("user_tasks", "me", 1)) == 1
