"""The parts of the product that a layout consists of, put together as the assembly does it."""

from meeting.kernel.clock import SystemClock
from meeting.kernel.ids import RandomIds
from meeting.kernel.ports import Feed
from meeting.kernel.queue import Queue
from meeting.stores.relational.database import Database
from meeting.stores.relational.outbox import Log
from meeting.stores.relational.queue import SqlQueue
from meeting.stores.relational.unit import SqlUnits
from tests.chaos.matter import Ledger
from tests.chaos.orders import Orders


class House:
    """Queue, feed and units of work of one process."""

    def __init__(self, orders: Orders) -> None:
        clock, ids = SystemClock(), RandomIds()
        self.unit: type[Ledger] = Ledger
        self.database = Database(orders.database)
        self.queue: Queue = SqlQueue(self.database, clock, ids)
        self.feed: Feed = Log(self.database)
        self._relayed = bool(orders.redis)

    @property
    def units(self) -> SqlUnits[Ledger]:
        """Open units of work."""
        clock, ids = SystemClock(), RandomIds()
        return SqlUnits(self.database, self.unit, clock, ids, relayed=self._relayed)

    async def close(self) -> None:
        """Close all connections."""
        await self.database.close()
