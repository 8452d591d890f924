"""A queue on a real Redis, and a foreign hand on the same lists."""

import json
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from meeting.kernel.clock import SystemClock
from meeting.kernel.ids import RandomIds
from meeting.kernel.secret import Secret
from meeting.transports.queue.queue import RedisQueue
from meeting.transports.redis.connection import Connection
from tests.redis import Redis


@asynccontextmanager
async def opened(server: Redis) -> AsyncIterator[RedisQueue]:
    """Open the queues of a server."""
    connection = Connection(Secret(server.url()))
    queue = RedisQueue(connection, SystemClock(), RandomIds())
    try:
        yield queue
    finally:
        await queue.close()
        await connection.close()


@pytest.fixture
async def queue(redis: Redis) -> AsyncIterator[RedisQueue]:
    """The queues of a Redis that holds nothing."""
    async with opened(redis) as found:
        yield found


class Hand:
    """A client that shares no code with ours: it pushes, pops and looks as anybody may."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def push(self, key: str, message: object) -> None:
        """Push a message, or raw bytes, at the end of a list."""
        raw = message if isinstance(message, bytes) else json.dumps(message).encode()
        self.client.rpush(key, raw)

    def all(self, key: str) -> list[dict[str, Any]]:
        """Return what lies in a list."""
        return [json.loads(each) for each in self.client.lrange(key, 0, -1)]

    def over(self, queue: str) -> None:
        """Let the time of all holds and delays of a queue be over."""
        for name in ("leases", "delayed"):
            for found in self.client.zrange(f"{queue}:{name}", 0, -1):
                self.client.zadd(f"{queue}:{name}", {found: 1})


@pytest.fixture
def hand(redis: Redis) -> Iterator[Hand]:
    """A foreign client of the same Redis."""
    with redis.client() as client:
        yield Hand(client)
