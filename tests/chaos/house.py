"""The parts of the product that a layout consists of, put together as the assembly does it."""

from datetime import timedelta

from meeting.kernel.clock import SystemClock
from meeting.kernel.growth import Growth
from meeting.kernel.ids import RandomIds
from meeting.kernel.ports import Feed
from meeting.kernel.queue import Queue
from meeting.kernel.relay import Carrier, Relay
from meeting.kernel.secret import Secret
from meeting.kernel.sole import Sole
from meeting.stores.relational.database import Database
from meeting.stores.relational.outbox import Cursors, Log, Posts
from meeting.stores.relational.queue import SqlQueue
from meeting.stores.relational.tasks import SqlEffects
from meeting.stores.relational.unit import SqlUnits
from meeting.transports.leases.leases import RedisLeases
from meeting.transports.pubsub.carrier import RedisCarrier
from meeting.transports.pubsub.feed import StreamFeed
from meeting.transports.queue.queue import RedisQueue
from meeting.transports.redis.connection import Connection
from tests.chaos.matter import HOLD, Ledger, Told
from tests.chaos.orders import Orders


class House:
    """Queue, feed and units of work of one process; with servers also what a relay needs."""

    def __init__(self, orders: Orders) -> None:
        self._clock, self._ids = SystemClock(), RandomIds()
        self.unit: type[Ledger] = Ledger
        self.database = Database(orders.database)
        self.redis: Connection | None = None
        self.queue: Queue = SqlQueue(self.database, self._clock, self._ids)
        self.feed: Feed = Log(self.database)
        self.sole: Feed = self.feed
        self.growth = Growth()
        self.posts = Posts(self.database)
        if orders.redis:
            self.redis = Connection(Secret(orders.redis))
            effects = SqlEffects(self.database)
            self.queue = RedisQueue(self.redis, self._clock, self._ids, effects)
            self.feed = StreamFeed(self.redis, Cursors(self.database), self.growth)
            self.leases = RedisLeases(self.redis)
            ttl = timedelta(seconds=HOLD)
            self.sole = Sole(self.feed, self.leases, owner=orders.name, clock=self._clock, ttl=ttl)
            self.carrier: Carrier = RedisCarrier(self.redis, [Told.TOPIC])

    @property
    def units(self) -> SqlUnits[Ledger]:
        """Open units of work."""
        relayed = self.redis is not None
        return SqlUnits(self.database, self.unit, self._clock, self._ids, relayed=relayed)

    def relay(self) -> Relay:
        """Make a relay from the rows to Redis."""
        return Relay(self.posts, self.carrier)

    async def close(self) -> None:
        """Close all connections."""
        if self.redis is not None:
            await self.redis.close()
        await self.database.close()
