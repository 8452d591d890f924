"""The four priorities of a queue, and in which order they are looked into at a take."""

from enum import IntEnum


class Lane(IntEnum):
    """How much a task matters; each is a list of its own."""

    LOW = 0
    NORMAL = 1
    HIGH = 2
    CRITICAL = 3


CYCLE = (Lane.HIGH, Lane.NORMAL, Lane.HIGH, Lane.NORMAL, Lane.HIGH, Lane.HIGH, Lane.LOW)
"""Who comes first among the others, take by take: high, normal and low as 4 : 2 : 1."""
PATIENCE = 32
"""Of so many takes one goes to the others before critical, lest they wait for ever."""


def order(turn: int) -> tuple[Lane, ...]:
    """Return the lanes in the order in which the take number `turn` looks into them.

    Critical is first, but once in `PATIENCE` takes last. Of the others the one whose turn it is in
    `CYCLE` comes first and the rest by what they matter, so none of them starves. The two lengths
    have no common factor: the take that is not critical's comes to each lane of the cycle.
    """
    first = CYCLE[turn % len(CYCLE)]
    others = (first, *(lane for lane in (Lane.HIGH, Lane.NORMAL, Lane.LOW) if lane is not first))
    if turn % PATIENCE == PATIENCE - 1:
        return (*others, Lane.CRITICAL)
    return (Lane.CRITICAL, *others)
