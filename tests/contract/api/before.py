"""What stands before a service object and breaks one thing: the twins that a suite must catch."""

from typing import Any, Generic, TypeVar

Whole = TypeVar("Whole")


class Before(Generic[Whole]):
    """Stands before the service object."""

    def __init__(self, whole: Whole) -> None:
        self._whole = whole

    def __getattr__(self, name: str) -> Any:
        return getattr(self._whole, name)
