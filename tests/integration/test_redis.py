"""The whole process on PostgreSQL and Redis: what goes where, and how it waits for either."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from meeting.app.readers import READERS
from meeting.kernel.sole import place
from tests.integration.test_servers import BARE, PATIENCE, typed, until
from tests.postgres import Postgres
from tests.process import Client, Server, serving
from tests.redis import Redis, redis as server
from tests.stories.proto import Stub, compiled

SETTINGS = {key.replace(".", "__"): value for key, value in BARE.items()}
LISTEN = "AIService/StreamAudioProcessing"
SOON = 5
"""Seconds in which a logout closes what its token has opened."""


@asynccontextmanager
async def standing(
    tmp_path: Path, cluster: Postgres
) -> AsyncIterator[tuple[Server, Redis, Client]]:
    """Run a house on both, with ann in it."""
    dsn = cluster.database()
    await asyncio.to_thread(typed, tmp_path, dsn, "migrate")
    with server() as own:
        async with (
            serving(tmp_path, postgres__dsn=dsn, redis__url=own.url(), **SETTINGS) as house,
            aiohttp.ClientSession() as http,
        ):
            ann = Client(house.url["http"], http)
            await until(ann, "running")
            yield house, own, await ann.enter("ann")


async def heard(ears: Any, wanted: str) -> dict[str, Any]:
    """Wait for an event of a type on the channels."""
    async with asyncio.timeout(PATIENCE):
        while True:
            said = await asyncio.to_thread(ears.get_message, timeout=1)
            if said and said["type"] == "message":
                found: dict[str, Any] = json.loads(said["data"])
                if found["type"] == wanted:
                    return found


async def closed(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    """Wait for the end of a socket; its code."""
    async with asyncio.timeout(PATIENCE):
        while not socket.closed:
            await socket.receive()
    return socket.close_code


async def test_a_redis_that_is_away_is_waited_for(tmp_path: Path, cluster: Postgres) -> None:
    """Away at the start or later, rows are written, /ready tells, and all of it is carried then."""
    dsn = cluster.database()
    await asyncio.to_thread(typed, tmp_path, dsn, "migrate")
    with server() as own:
        own.kill()
        async with (
            serving(tmp_path, postgres__dsn=dsn, redis__url=own.url(), **SETTINGS) as house,
            aiohttp.ClientSession() as http,
        ):
            ann = Client(house.url["http"], http)
            assert await until(ann, "starting") == "Redis does not answer"
            await ann.enter("ann")
            meeting = await ann.meeting()
            own.resume()
            await until(ann, "running")
            with own.client() as looking, looking.pubsub() as ears:
                ears.subscribe("meeting_events", "user_events")
                bob = await Client(house.url["http"], http).enter("bob")
                socket = await bob.socket(meeting)
                joined = await heard(ears, "meeting.user_joined")
                assert joined.keys() == {"type", "payload", "timestamp", "source", "message_id"}
                assert joined["payload"]["user_id"] == bob.user_id
                created = [
                    json.loads(fields[b"m"])["payload"]["meeting_id"]
                    for _, fields in looking.xrange("meeting_events:log")
                    if json.loads(fields[b"m"])["type"] == "meeting.created"
                ]
                assert created == [meeting]
            own.kill()
            assert await until(ann, "starting") == "Redis does not answer"
            await bob.data("POST", "/auth/logout")
            own.resume()  # empty, since it writes nothing down
            await until(ann, "running")
            assert await closed(socket) == 4001
            assert house.tracebacks() == []


def fill(own: Redis) -> None:
    """Let a Redis take nothing in that is read as ever."""
    with own.client() as client:
        client.config_set("maxmemory", 1)


@pytest.mark.parametrize(
    ("harm", "known", "seconds"),
    [(Redis.kill, True, SOON), (fill, False, SOON), (Redis.freeze, False, SOON / 2)],
)
async def test_a_logout_is_heard_while_redis_fails(
    tmp_path: Path, cluster: Postgres, harm: Callable[[Redis], None], known: bool, seconds: float
) -> None:
    """It closes the token's sockets and ends its audio streams within the time of the contract.

    Whether Redis is known to be gone, takes nothing in, or hangs, of which nobody knows yet.
    """
    async with standing(tmp_path, cluster) as (house, own, ann):
        meeting = await ann.meeting()
        socket = await ann.socket(meeting)
        port = int(house.grpc["ai"].rpartition(":")[2])
        async with Stub(compiled(), port, ann.token) as calls:
            stream = calls.stream(LISTEN)
            first = {"meeting_id": meeting, "sequence": 1, "data": bytes(9600)}
            for fields in (first, {"sequence": 1, "data": bytes(2)}):
                await stream.write(calls.message(LISTEN, **fields))
            assert (await stream.read()).result_type == "gap"
            harm(own)
            if known:
                assert await until(ann, "starting") == "Redis does not answer"
            await ann.data("POST", "/auth/logout")
            async with asyncio.timeout(seconds):
                assert await closed(socket) == 4001
                assert (await stream.code()).name == "UNAUTHENTICATED"
        assert house.tracebacks() == []


async def test_an_event_that_another_publishes(tmp_path: Path, cluster: Postgres) -> None:
    """A contract producer's PUBLISH reaches a socket of ours; rubbish beside it does no harm."""
    async with standing(tmp_path, cluster) as (house, own, ann):
        socket = await ann.socket(await ann.meeting())
        payload = {"user_id": ann.user_id, "reason": "ban", "jti": ""}
        event = {"type": "user.revoked", "payload": payload, "timestamp": 1, "source": "x"}
        with own.client() as other:
            assert other.publish("user_events", b"\xff rubbish") == 1
            assert other.publish("user_events", json.dumps(event)) == 1
        assert await closed(socket) == 4001
        assert house.tracebacks() == []


async def test_readers_have_leases(tmp_path: Path, cluster: Postgres, redis: Redis) -> None:
    """Each reader of the house holds its topic, and a process that ends gives all of them back."""
    dsn = cluster.database()
    await asyncio.to_thread(typed, tmp_path, dsn, "migrate")
    wanted = {place(name, topic).encode() for topic, names in READERS.items() for name in names}
    with redis.client() as looking:
        async with (
            serving(tmp_path, postgres__dsn=dsn, redis__url=redis.url(), **SETTINGS) as house,
            aiohttp.ClientSession() as http,
        ):
            await until(Client(house.url["http"], http), "running")
            async with asyncio.timeout(PATIENCE):
                while set(looking.hkeys("leases:holds")) != wanted:
                    await asyncio.sleep(0.05)
            owners = {held.split(b" ", 1)[1] for held in looking.hvals("leases:holds")}
            assert len(owners) == 1
            assert house.tracebacks() == []
        assert looking.hkeys("leases:holds") == []
