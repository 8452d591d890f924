"""What a bench makes of its rounds."""

import pytest

from tests.bench.ratio import Spread, percentile, ratio


def test_a_ratio_is_taken_round_by_round() -> None:
    """A round in which the machine was slow for both does not move the ratio."""
    assert ratio([200, 20, 400], [100, 10, 100]) == Spread(middle=2, least=2, most=4)


def test_rounds_that_only_one_ran_are_not_compared() -> None:
    """A round that failed for one of them is an error, not a shift against the others."""
    with pytest.raises(ValueError, match="both"):
        ratio([1, 2], [1])
    with pytest.raises(ValueError, match="no round"):
        Spread.of([])


def test_a_percentile_is_a_value_that_was_measured() -> None:
    """Half of all are at most p50, and p99 of a hundred is the second longest."""
    values = [float(each) for each in range(100, 0, -1)]
    assert percentile(values, 0.5) == 50
    assert percentile(values, 0.99) == 99
    assert percentile([7.0], 0.99) == 7
    with pytest.raises(ValueError, match="nothing"):
        percentile([], 0.5)
