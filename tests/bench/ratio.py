"""The statistics of a bench: what came out of interleaved rounds, and how it compares."""

from collections.abc import Sequence
from statistics import median

import msgspec


class Spread(msgspec.Struct, frozen=True):
    """The middle of some rounds, and the least and the most of them."""

    middle: float
    least: float
    most: float

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread":
        """Take the median with its range; a `ValueError` where there is nothing to take it of."""
        if not values:
            raise ValueError("there was no round")
        return cls(median(values), min(values), max(values))


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Spread:
    """Compare round by round: what shook the machine in a round shook both of them."""
    if len(ours) != len(theirs):
        raise ValueError("only rounds that both of them ran can be compared")
    return Spread.of([one / other for one, other in zip(ours, theirs, strict=True)])


def percentile(values: Sequence[float], fraction: float) -> float:
    """Return the value that this fraction of all do not exceed."""
    if not values:
        raise ValueError("nothing was measured")
    return sorted(values)[max(0, -int(-fraction * len(values) // 1) - 1)]
