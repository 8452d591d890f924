"""Reads the log: the effect is a row without a key, in the commit that moves the cursor."""

import os

import uvloop

from meeting.kernel.consumer import Consumer
from meeting.kernel.message import Entry
from tests.chaos import sabotage
from tests.chaos.house import House
from tests.chaos.matter import CONSUMER, Ledger, Told
from tests.chaos.orders import Orders


async def main() -> None:
    """Consume until killed; a second process is ready to go on when the lease is over."""
    orders = Orders.given()
    house = House(orders)
    sabotage.install(orders, house)
    units, who = house.units, f"{orders.name}:{os.getpid()}"

    async def handle(unit: Ledger, event: Told, _entry: Entry) -> None:
        await unit.effect("event", event.number, who)

    reader = Consumer(CONSUMER, Told.TOPIC, feed=house.sole, units=units, handlers={Told: handle})
    await reader.run()


if __name__ == "__main__":
    uvloop.run(main())
