"""One page of a list: what was asked for, and what was found."""

from typing import Generic, TypeVar

import msgspec

from meeting.kernel.errors import invalid

T = TypeVar("T")
MAX_SIZE = 100


class Page(msgspec.Struct, frozen=True):
    """Which part of a list is wanted: pages count from 1."""

    number: int = 1
    size: int = 20

    def __post_init__(self) -> None:
        if not 1 <= self.number <= 2**31:
            raise invalid("page", "must be 1 or more")
        if not 1 <= self.size <= MAX_SIZE:
            raise invalid("page_size", f"must be 1 to {MAX_SIZE}")

    @property
    def offset(self) -> int:
        """Return how many rows come before this page."""
        return (self.number - 1) * self.size


class Found(msgspec.Struct, Generic[T], frozen=True):
    """The rows of one page and how many there are in all."""

    rows: list[T]
    total: int
