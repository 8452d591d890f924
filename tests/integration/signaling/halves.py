"""Two processes of signalling over one PostgreSQL and one Redis; here both in this one."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import aiohttp

from meeting.domains.signaling.model import Limits, Timings
from meeting.domains.signaling.service import Signaling
from meeting.kernel.clock import SystemClock
from meeting.kernel.growth import Growth
from meeting.kernel.relay import Relay
from meeting.kernel.secret import Secret
from meeting.kernel.sole import Sole
from meeting.kernel.tail import Either
from meeting.stores.relational import migrate
from meeting.stores.relational.adoption import SqlAdoption
from meeting.stores.relational.database import Database
from meeting.stores.relational.notices import Notices
from meeting.stores.relational.outbox import Cursors, LogTail, Posts
from meeting.transports.http.server import CONNECTIONS
from meeting.transports.inbox.post import RedisPost
from meeting.transports.leases.leases import RedisLeases
from meeting.transports.pubsub.carrier import RedisCarrier
from meeting.transports.pubsub.feed import StreamFeed, StreamTail
from meeting.transports.pubsub.listener import Listener
from meeting.transports.redis.connection import Connection
from tests.clock import MovingClock
from tests.integration.signaling.world import PATIENCE, World, serve
from tests.redis import Redis


class Half(World):
    """One of the processes; what runs in the background runs."""

    def __init__(self, name: str, url: str, redis: Redis, clock: MovingClock) -> None:
        self.name = name
        self.redis = Connection(Secret(redis.url()), 2.0)
        self.post = RedisPost(Connection(Secret(redis.url()), 1.0), name, SystemClock())
        self.growth = Growth()
        super().__init__(url, Limits(), Timings(call=60), clock)

    def make(self) -> Signaling:
        """Make the signalling of this process."""
        posts = Posts(self.database)
        self.relay = Relay(posts, RedisCarrier(self.redis))
        feed = StreamFeed(self.redis, Cursors(self.database), self.growth)
        tail = StreamTail(self.redis, posts, self.growth, self.relay)
        leases = RedisLeases(self.redis)
        return Signaling(
            units=self.units,
            sole=Sole(feed, leases, owner=self.name, clock=SystemClock()),
            tail=Either(tail, LogTail(self.database)),
            post=self.post,
            tokens=self.tokens,
            user=self.users,
            meeting=self.meeting,
            clock=self.clock,
            ids=self.ids,
            limits=self.limits,
            timings=self.timings,
        )

    def works(self) -> list[Callable[[], Coroutine[Any, Any, None]]]:
        """Return what runs in the background, but for what the clock drives."""
        remote = self.signaling.remote
        assert remote is not None
        listener = Listener(
            self.redis, SqlAdoption(self.database, self.clock), self.growth, self.clock
        )
        return [
            Notices(self.database).run,
            self.relay.run,
            listener.hear,
            self.post.write,
            lambda: self.post.read(remote.take, remote.lost),
            self.signaling.decisions.consumer.run,
            self.signaling.reactions.rooms.run,
            self.signaling.reactions.users.run,
            self.signaling.reactions.setback.run,
            self.keeper.run,
        ]

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Serve this half."""
        await self.signaling.start()
        works = [asyncio.create_task(work()) for work in self.works()]
        port = serve(self, "aiohttp", self.limits.sockets + CONNECTIONS)
        await port.start()
        self.url = f"http://127.0.0.1:{port.port}/ws"
        try:
            async with asyncio.timeout(PATIENCE):
                await self.post.opened.wait()
            async with aiohttp.ClientSession() as self.http:
                yield
        finally:
            await self.signaling.drain()
            await port.stop()
            for work in works:
                work.cancel()
            ends = await asyncio.gather(*works, return_exceptions=True)
            await self.post.close()
            await self.redis.close()
            await self.database.close()
        assert all(isinstance(end, asyncio.CancelledError) for end in ends), ends


@asynccontextmanager
async def halves(url: str, redis: Redis) -> AsyncIterator[tuple[Half, Half]]:
    """Serve both halves on an empty database and Redis; they have one clock."""
    database = Database(url)
    await migrate.upgrade(database)
    await database.close()
    clock = MovingClock()
    one, two = Half("one", url, redis, clock), Half("two", url, redis, clock)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(one.running())
        await stack.enter_async_context(two.running())
        yield one, two
