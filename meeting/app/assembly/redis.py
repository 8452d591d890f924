"""Redis, if there is one: what carries the outbox there, what hears it, and how it stands."""

import asyncio
import math
from collections.abc import Callable, Coroutine, Sequence
from typing import Any

import msgspec
import structlog

from meeting.app.config import Config
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault
from meeting.kernel.growth import Growth
from meeting.kernel.ids import Ids
from meeting.kernel.relay import Relay
from meeting.kernel.sole import Sole
from meeting.stores.relational.adoption import SqlAdoption
from meeting.stores.relational.database import Database
from meeting.stores.relational.outbox import Cursors, Posts
from meeting.stores.relational.tasks import SqlEffects
from meeting.transports.inbox.post import RedisPost
from meeting.transports.leases.leases import RedisLeases
from meeting.transports.pubsub.carrier import RedisCarrier
from meeting.transports.pubsub.feed import StreamFeed, StreamTail
from meeting.transports.pubsub.listener import Listener
from meeting.transports.queue.queue import RedisQueue
from meeting.transports.redis.connection import WAIT_SECONDS, Connection

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
TAIL_SECONDS = 1.0
"""How long a follower waits for a Redis that hangs before it asks the rows."""
POST_SECONDS = 2.0
"""How long a peer waits to be told that its frame reaches nobody on other servers."""


class Link(msgspec.Struct, frozen=True):
    """What the stores have of a Redis."""

    sole: Sole
    tail: Callable[[], StreamTail]
    post: RedisPost
    queue: RedisQueue
    carrier: RedisCarrier
    look: Callable[[], Coroutine[Any, Any, None]]
    lacks: Callable[[], str]
    background: Sequence[Callable[[], Coroutine[Any, Any, None]]]
    stop: Callable[[], Coroutine[Any, Any, None]]


def connect(config: Config, seconds: float = WAIT_SECONDS) -> Connection:
    """Name the Redis of the settings; it is reached when first used."""
    return Connection(config.redis.url, math.inf if config.debug else seconds)


def link(config: Config, name: str, database: Database, clock: Clock, ids: Ids) -> Link:
    """Make what connects a database's outbox with a Redis; away or not, it is waited for.

    `name` is that of the state folder, so a successor on it reads on without waiting for an end.
    """
    connection, probe = connect(config), Connection(config.redis.url, pool=1)
    growth = Growth()
    carrier = RedisCarrier(connection)
    posts = Posts(database)
    relay = Relay(posts, carrier)
    listener = Listener(connection, SqlAdoption(database, clock), growth, clock)
    queue = RedisQueue(connection, clock, ids, SqlEffects(database))
    feed = StreamFeed(connection, Cursors(database), growth)
    tails = connect(config, TAIL_SECONDS)
    post = RedisPost(connect(config, POST_SECONDS), ids.new("node_"), clock)
    sole = Sole(feed, RedisLeases(connection), owner=name, clock=clock)
    lack = ""

    async def look() -> None:
        nonlocal lack
        found = ""
        try:
            await probe.ping()
        except Fault as fault:
            found = str(fault)
        if found and found != lack:
            log.warning("Redis is away", reason=found)
        lack = found

    async def watch() -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            await look()

    async def stop() -> None:
        await sole.release()
        await post.close()
        await queue.close()
        await tails.close()
        await probe.close()
        await connection.close()

    return Link(
        sole=sole,
        tail=lambda: StreamTail(tails, posts, growth, relay),
        post=post,
        queue=queue,
        carrier=carrier,
        look=look,
        lacks=lambda: lack,
        background=[watch, relay.run, listener.hear, listener.settle],
        stop=stop,
    )
