"""Bodies and answers that hold passwords or tokens, which no log line and no traceback may show."""

import msgspec


class Discreet(msgspec.Struct, frozen=True, kw_only=True):
    """Prints its name alone; base of every body and view with a secret among its fields."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"
