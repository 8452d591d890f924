"""What the producer asks for, step by step: the same for the same seed, wherever it begins."""

from collections.abc import Iterator
from enum import StrEnum

import msgspec

from tests.chaos.matter import Mark, Told, dice
from tests.chaos.orders import Orders

LARGEST = 12
HOPELESS = 0.002
LATE = 0.01
HEAVY = 0.0005
SLOW = 0.005


class Way(StrEnum):
    """How a step reaches the queue."""

    UNIT = "unit"
    PUT = "put"
    FOREIGN = "foreign"


class Step(msgspec.Struct, frozen=True):
    """What is asked for in one call: all of it is acknowledged, or none."""

    number: int
    way: Way
    tasks: list[Mark]
    events: list[Told]
    reached: int
    """How many tasks and events there are up to here."""

    @property
    def ids(self) -> str:
        """Return what the journal says about it."""
        tasks = [f"task:{each.number}" for each in self.tasks]
        return " ".join([*tasks, *(f"event:{each.number}" for each in self.events)])


def script(orders: Orders) -> Iterator[Step]:
    """Yield the steps; events are spread evenly over the tasks and travel with units of work."""
    chance = dice(orders.seed, "script")
    ways = [Way.UNIT, Way.UNIT, Way.PUT, *([Way.FOREIGN] if orders.redis else [])]
    number = tasks = events = 0
    while tasks < orders.tasks or events < orders.events:
        way = chance.choice(ways) if tasks < orders.tasks else Way.UNIT
        size = min(chance.randint(1, LARGEST), orders.tasks - tasks)
        share = orders.events * (tasks + size) // orders.tasks if orders.tasks else orders.events
        told = min(share - events, LARGEST) if way is Way.UNIT else 0
        marks = [_mark(tasks + each, chance.random(), chance.random()) for each in range(size)]
        tales = [_told(events + each, chance.random()) for each in range(told)]
        number, tasks, events = number + 1, tasks + size, events + told
        yield Step(number, way, marks, tales, tasks + events)


def _mark(number: int, luck: float, slowness: float) -> Mark:
    moods = ((HOPELESS, "hopeless"), (HOPELESS + LATE, "late"))
    mood = next((name for bound, name in moods if luck < bound), "")
    # Mostly short, so that there is much to do; a few outlive a hold and need signs of life.
    seconds = 2.0 if slowness < SLOW else 0.01 + 0.15 * slowness
    return Mark(number=number, seconds=round(seconds, 4), mood=mood)


def _told(number: int, luck: float) -> Told:
    if luck < HEAVY:
        return Told(number=number, weight="heavy")  # type: ignore[arg-type] # to be parked
    return Told(number=number, weight=1)
