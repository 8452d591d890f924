"""What a number of the contract is called: REST sends both, everything else the word."""

from enum import IntEnum


class Word:
    """Shows an enum field of a struct as its word: `role_name = Word("role")`."""

    def __init__(self, field: str) -> None:
        self._field = field

    def __get__(self, owner: object, kind: type | None = None) -> str:
        """Return the word."""
        number: IntEnum = getattr(owner, self._field)
        return number.name.lower()
