"""Asks for tasks and tells events, and writes down what was acknowledged; asks for none twice."""

import asyncio

import msgspec
import uvloop

from meeting.kernel.lane import Lane
from meeting.kernel.letter import Letter
from tests.chaos import sabotage
from tests.chaos.foreign import UNANSWERED, Foreign
from tests.chaos.house import House
from tests.chaos.journal import Book, Journal
from tests.chaos.matter import HOLD, QUEUE, TRIES, Mark
from tests.chaos.orders import Orders
from tests.chaos.pace import Pace
from tests.chaos.script import Step, Way, script

AT_ONCE = 3
PAUSE_SECONDS = 0.2
"""After a step without answer."""


def letter(task: Mark) -> Letter:
    """Write a task as one does who has no unit of work, into a lane of its own."""
    return Letter(
        type=task.TYPE,
        payload=msgspec.to_builtins(task),
        priority=int(Lane(task.number % len(Lane))),
        max_retries=TRIES,
        visibility_timeout=HOLD,
        source="chaos",
    )


class Producer:
    """Goes through the script, a few steps at once, no further than it is allowed."""

    def __init__(self, orders: Orders, house: House) -> None:
        self._house = house
        begun = Book.read(orders.journal).last
        steps = (step for step in script(orders) if step.number > begun)
        self._pace = Pace(steps, orders.allowance)
        self._journal = Journal(orders.journal)
        self._foreign = Foreign(orders.redis)

    async def run(self) -> None:
        """Do all that is left of the script."""
        async with asyncio.TaskGroup() as group:
            for _ in range(AT_ONCE):
                group.create_task(self._lane())

    async def _lane(self) -> None:
        while (step := await self._pace.next()) is not None:
            self._journal.asked(step)
            try:
                await self._ask(step)
            except UNANSWERED:
                await asyncio.sleep(PAUSE_SECONDS)
            else:
                self._journal.answered(step)

    async def _ask(self, step: Step) -> None:
        if step.way is Way.UNIT:
            async with self._house.units.write() as unit:
                for task in step.tasks:
                    unit.enqueue(task)
                for event in step.events:
                    unit.append(event)
        elif step.way is Way.PUT:
            await self._house.queue.put(QUEUE, [letter(task) for task in step.tasks])
        else:
            await self._foreign.push(step.tasks)


async def main() -> None:
    """Ask for everything, and end."""
    orders = Orders.given()
    house = House(orders)
    sabotage.install(orders, house)
    await Producer(orders, house).run()
    await house.close()


if __name__ == "__main__":
    uvloop.run(main())
