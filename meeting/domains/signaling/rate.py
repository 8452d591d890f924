"""How fast one socket may send: a bucket of a second's worth, and an end for who never stops."""


class Rate:
    """Counts the frames of one socket. Times are seconds on any clock that never jumps."""

    def __init__(self, per_second: int, flood: float) -> None:
        self._per_second = per_second
        self._flood = flood
        self._tokens = float(per_second)
        self._filled_at = 0.0
        self._since = 0.0
        self._refused_at = float("-inf")

    def allow(self, now: float) -> bool:
        """Take one frame in, or refuse it."""
        grown = max(0.0, now - self._filled_at) * self._per_second
        self._tokens = min(float(self._per_second), self._tokens + grown)
        self._filled_at = now
        if self._tokens >= 1:
            self._tokens -= 1
            return True
        if now - self._refused_at > 1:
            self._since = now
        self._refused_at = now
        return False

    @property
    def flooding(self) -> bool:
        """Tell whether refusals have gone on, never a second apart, for the flood's time."""
        return self._refused_at - self._since >= self._flood
