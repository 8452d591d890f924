"""A value that must never be seen: it prints as `***` and no encoder accepts it."""


class Secret:
    """Wraps key material; `reveal` is the only way to it, so a search finds every use."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the value, for the call that needs it."""
        return self._value

    def __repr__(self) -> str:
        return "***"

    __str__ = __repr__

    def __reduce__(self) -> str:
        msg = "a Secret can't be encoded"
        raise TypeError(msg)
