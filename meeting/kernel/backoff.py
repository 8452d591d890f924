"""How long a task that failed waits for its next attempt."""

import random

FIRST_SECONDS = 1.0
LONGEST_SECONDS = 60.0
SPREAD = 0.2


def backoff(retry: int, chance: random.Random) -> float:
    """Return seconds: 1, 2, 4 … 60 for retry 1, 2, 3 …, each within a fifth more or less.

    The spread keeps tasks that failed together, because a server was away, from coming back as one.
    """
    even: float = min(FIRST_SECONDS * 2 ** min(max(retry - 1, 0), 10), LONGEST_SECONDS)
    return even * chance.uniform(1 - SPREAD, 1 + SPREAD)
