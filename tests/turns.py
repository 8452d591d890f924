"""In which order tests run: what takes long begins first, so that no worker ends alone with it."""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

T = TypeVar("T")


def turns(tests: Sequence[tuple[T, Hashable, bool]], workers: int) -> list[T]:
    """Put the long ones at the head of each worker's share, a group's together.

    Each test is given with its group, such as its module, and whether it is long. A worker's share
    is what xdist's `worksteal` gives it at first: one of so many equal pieces of the list.
    """
    groups: dict[Hashable, list[T]] = defaultdict(list)
    for test, group, long in tests:
        if long:
            groups[group].append(test)
    heads: list[list[T]] = [[] for _ in range(workers)]
    for number, members in enumerate(groups.values()):
        heads[number % workers] += members
    rest: Iterator[T] = iter([test for test, _, long in tests if not long])
    share = len(tests) // workers
    found: list[T] = []
    for head in heads:
        found += head
        found += islice(rest, max(share - len(head), 0))
    return [*found, *rest]
