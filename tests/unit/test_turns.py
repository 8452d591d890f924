"""The order of tests."""

import pytest

from tests.turns import turns


@pytest.mark.parametrize(
    ("given", "workers", "wanted"),
    [
        ("a1 B2 c1 B2 d3 E3 f1 g1", 2, "B2 B2 a1 c1 E3 d3 f1 g1"),
        ("a1 B2 c1 B2", 1, "B2 B2 a1 c1"),
        ("A1 A1 A1 b2", 2, "A1 A1 A1 b2"),
        ("A1 B2 C1 D2 e3 f3", 2, "A1 C1 e3 B2 D2 f3"),
        ("a1 b1 c1 d1 e1", 2, "a1 b1 c1 d1 e1"),
        ("", 3, ""),
    ],
    ids=["a share each", "one worker", "more than a share", "a group scattered", "none", "nothing"],
)
def test_what_takes_long_begins_first(given: str, workers: int, wanted: str) -> None:
    """Capitals come at the head of each share, with their group; the rest stays as shuffled."""
    tests = [(each, each[1], each[0].isupper()) for each in given.split()]
    assert turns(tests, workers) == wanted.split()
