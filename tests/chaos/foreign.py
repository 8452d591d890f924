"""A producer that was written for the contract alone: it knows the lists and the JSON, no code."""

import json
from collections.abc import Sequence

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from meeting.kernel.errors import Fault
from tests.chaos.matter import HOLD, QUEUE, TRIES, Mark

LISTS = (":critical", ":high", ":normal", ":low", "")
UNANSWERED = (Fault, RedisError, OSError, TimeoutError)
"""Nobody knows whether what was asked for has happened."""


class Foreign:
    """Pushes messages; every second one without an id, which is given at the take."""

    def __init__(self, url: str) -> None:
        # The client must not ask again by itself: then it would ask for two things.
        once = Retry(NoBackoff(), 0)
        self._redis = Redis.from_url(url, retry=once, socket_timeout=5) if url else None

    async def push(self, tasks: Sequence[Mark]) -> None:
        """Push messages into one list, in one command."""
        assert self._redis is not None
        place = LISTS[tasks[0].number % len(LISTS)]
        await self._redis.rpush(QUEUE + place, *map(_message, tasks))


def _message(task: Mark) -> str:
    payload = {"number": task.number, "seconds": task.seconds, "mood": task.mood}
    message = {"type": "chaos.mark", "payload": payload, "max_retries": TRIES}
    if task.number % 2:
        message["id"] = f"{task.number:032x}"
    return json.dumps(message | {"visibility_timeout": HOLD})
