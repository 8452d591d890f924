"""Carries the outbox to Redis; a second process of the kind does the same, and neither harms."""

import uvloop

from tests.chaos import sabotage
from tests.chaos.house import House
from tests.chaos.orders import Orders


async def main() -> None:
    """Carry until killed."""
    orders = Orders.given()
    house = House(orders)
    sabotage.install(orders, house)
    await house.relay().run()


if __name__ == "__main__":
    uvloop.run(main())
