"""Takes tasks and does them: the effect is a row without a key, in the commit that ends it."""

import asyncio
import os

import uvloop

from meeting.kernel.clock import SystemClock
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.work import Work
from meeting.kernel.worker import Worker
from tests.chaos import sabotage
from tests.chaos.house import House
from tests.chaos.matter import QUEUE, Mark
from tests.chaos.orders import Orders

CONCURRENCY = 12


async def main() -> None:
    """Work until killed."""
    orders = Orders.given()
    house = House(orders)
    sabotage.install(orders, house)
    units, who = house.units, f"{orders.name}:{os.getpid()}"

    async def handle(task: Mark, work: Work) -> None:
        if task.mood == "hopeless":
            raise Fault(Kind.VALIDATION, "meant to fail")
        if task.mood == "late" and work.held.letter.retry_count == 0:
            raise Fault(Kind.INTERNAL, "meant to fail once")
        await asyncio.sleep(task.seconds)
        async with units.write() as unit:
            await unit.effect("task", task.number, who)
            await unit.settle(work.held)

    worker = Worker(
        QUEUE,
        orders.name,
        queue=house.queue,
        handlers={Mark: handle},
        concurrency=CONCURRENCY,
        clock=SystemClock(),
    )
    await worker.run()


if __name__ == "__main__":
    uvloop.run(main())
