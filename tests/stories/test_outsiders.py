"""Programs of other houses beside ours, on the Redis that both know."""

import asyncio
import json
import time
import uuid

import pytest

from tests.redis import Redis
from tests.stories.visit import Visit, becomes, until

pytestmark = pytest.mark.story


@pytest.fixture
def broker(house: Visit) -> Redis:
    """The Redis of the house."""
    if house.home.redis is None:
        pytest.skip("this layout has no Redis")
    return house.home.redis


async def test_a_task_from_outside(house: Visit, broker: Redis) -> None:
    """It is done as one of ours; one that nobody can do lies with the dead, and is shown there."""
    ann = await house.person("ann")
    payload = {"user_id": ann.user_id, "username": ann.name, "ip_address": "203.0.113.7"}
    number = uuid.uuid4().hex
    strange = {"type": "user.dance", "payload": {"username": ann.name}, "id": number}
    house.home.excused.add("user.dance")
    with broker.client() as client:
        client.rpush("user_tasks", json.dumps(strange))
        client.rpush("user_tasks:low", json.dumps({"type": "user.login", "payload": payload}))

    async def logins() -> set[str]:
        page = await ann.data("GET", "/users/logins")
        return {row["ip_address"] for row in page["list"]}

    await becomes(logins, {"127.0.0.1", "203.0.113.7"})

    async def dead() -> list[bytes]:
        with broker.client() as client:
            lying = client.lrange("user_tasks:dlq", 0, -1)
        return [each for each in lying if number.encode() in each]

    (letter,) = await until(dead)
    assert "user.dance" in json.loads(letter)["payload"]["error"]
    shown = await asyncio.to_thread(house.home.typed, "queue", "show", "user_tasks", number)
    assert json.loads(shown)["payload"]["username"] == ann.name


async def test_an_event_from_outside(house: Visit, broker: Redis) -> None:
    """What is published is believed, once, however often it is said."""
    ann = await house.person("ann")
    payload = {"user_id": ann.user_id, "username": ann.name, "login_time": "2026-01-02T03:04:05Z"}
    first, second = [
        {
            "type": "user.logged_in",
            "payload": payload | {"ip_address": address},
            "timestamp": int(time.time()),
            "source": "user",
            "message_id": uuid.uuid4().hex,
        }
        for address in ("203.0.113.9", "198.51.100.7")
    ]
    socket = await ann.knock()

    async def kinds() -> list[str]:
        return [row["type"] for row in (await ann.data("GET", "/notifications"))["list"]]

    await becomes(kinds, ["welcome"])
    with broker.client() as client:
        for event in (first, first, second):
            client.publish("user_events", json.dumps(event))
    told = [await socket.until("notification") for _ in range(2)]
    addresses = [each["content"]["data"]["ip_address"] for each in told]
    assert addresses == ["203.0.113.9", "198.51.100.7"]
    assert await kinds() == ["unusual_login"] * 2 + ["welcome"]


async def test_a_listener_outside(house: Visit, broker: Redis) -> None:
    """What happens in the house is heard on the channel of its domain, as agreed."""
    ann = await house.person("ann")
    with broker.client() as client, client.pubsub(ignore_subscribe_messages=True) as heard:
        heard.subscribe("meeting_events")
        heard.get_message(timeout=5)
        meeting = await ann.meeting()
        await ann.data("POST", f"/meetings/{meeting}/end")
        types: list[str] = []
        versions: list[int] = []

        async def over() -> bool:
            while (message := heard.get_message()) is not None:
                event = json.loads(message["data"])
                if event["payload"]["meeting_id"] == meeting:
                    types.append(event["type"].removeprefix("meeting."))
                    versions.append(event["payload"]["version"])
                    assert (event["source"], len(event["message_id"])) == ("meeting", 32)
            return types[-1:] == ["ended"]

        await until(over)
    assert types == ["created", "started", "ended"]
    assert versions == sorted(set(versions))
