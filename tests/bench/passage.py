"""One way, once, in a process of its own: `python -m tests.bench.passage WAY …`, a line of JSON."""

import argparse
import asyncio
import json
import sys

import msgspec
import uvloop

from tests.bench.course import Course, Measured
from tests.bench.ways import WAYS, Place, Way

WARM = 50
"""Events before the first that counts, one a commit: connections and code are loaded by then."""


async def run(way: Way, place: Place, number: int, rate: float, patience: float) -> Measured:
    """Send the events and wait for the last; `SystemExit` where it does not come."""
    warm, course = Course(WARM, 1), Course(number, rate, from_call=way.bare)

    def hit(value: int) -> None:
        """Take what is below 0 for a warm one."""
        if value < 0:
            warm.hit(value)
        else:
            course.hit(value)

    try:
        async with (
            way.open(place, hit) as opened,
            asyncio.timeout(patience),
            asyncio.TaskGroup() as group,
        ):
            running = [group.create_task(each()) for each in opened.background]
            for each in range(-WARM, 0):
                await opened.put([each])
            await warm.done.wait()
            await course.send(opened.put)
            await course.done.wait()
            for task in running:
                task.cancel()
    except TimeoutError:
        raise SystemExit(f"{course.left} of {number} events had not come in time") from None
    return course.measured()


def main() -> None:
    """Read the command line, and print what was measured."""
    parser = argparse.ArgumentParser()
    parser.add_argument("way", choices=[each.name for each in WAYS])
    for name in ("--database", "--redis"):
        parser.add_argument(name, default="")
    for name in ("--number", "--rate", "--patience"):
        parser.add_argument(name, type=float, required=True)
    given = parser.parse_args()
    (way,) = [each for each in WAYS if each.name == given.way]
    place = Place(given.database, given.redis)
    found = uvloop.run(run(way, place, int(given.number), given.rate, given.patience))
    sys.stdout.write(json.dumps(msgspec.to_builtins(found)) + "\n")


if __name__ == "__main__":
    main()
