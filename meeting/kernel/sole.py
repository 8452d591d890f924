"""One reader a consumer and topic, of however many processes: a feed behind a lease.

While another process has the lease, nothing is given out here: what one reader handles already,
no second one handles only to lose it. That an event takes effect once does not rest on it but on
the cursor, so a holder that stood still and has lost its lease does no harm.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from datetime import timedelta

import msgspec
import structlog

from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault
from meeting.kernel.lease import Lease
from meeting.kernel.message import Entry
from meeting.kernel.ports import Feed, Leases

TTL = timedelta(seconds=5)
LOOK = 0.3
"""For such a share of it a holder goes on without asking, and so soon everybody else looks again:
the successor of one that was killed begins when both have passed, at the latest."""
PARTING_SECONDS = 1.0
"""How long a store that is away keeps a process from ending."""

log = structlog.get_logger(__name__)


class _Hold(msgspec.Struct, frozen=True):
    """A lease, and when it was asked for: it lives for its time from then on at least."""

    lease: Lease
    asked: float


class Sole:
    """Satisfies `Feed` for the process that goes by `owner`, which nobody else may.

    A lease is renewed between pulls alone. Whoever does not come back from a long handler in time
    loses it, and finds the cursor moved.
    """

    def __init__(
        self,
        feed: Feed,
        leases: Leases,
        *,
        owner: str,
        clock: Clock,
        ttl: timedelta = TTL,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._feed = feed
        self._leases = leases
        self._owner = owner
        self._clock = clock
        self._ttl = ttl
        self._look = ttl.total_seconds() * LOOK
        self._pause = pause
        self._held: dict[str, _Hold] = {}

    async def pull(self, consumer: str, topic: str, limit: int = 100) -> Sequence[Entry]:
        """Return what the consumer has not consumed yet; nothing while another process reads."""
        if not await self._holds(place(consumer, topic)):
            return ()
        return await self._feed.pull(consumer, topic, limit)

    async def wait(self, consumer: str, topic: str, seconds: float) -> None:
        """Return when there may be more to read here, or when it is time to look at the lease."""
        seconds = min(seconds, self._look)
        if place(consumer, topic) in self._held:
            await self._feed.wait(consumer, topic, seconds)
        else:
            await self._pause(seconds)

    async def release(self) -> None:
        """Give back what is held, once nobody here pulls any more; others begin at their next look.

        A store that is away finds out by itself, when the leases are over.
        """
        with suppress(Fault, TimeoutError):
            async with asyncio.timeout(PARTING_SECONDS):
                while self._held:
                    _, hold = self._held.popitem()
                    await self._leases.release(hold.lease)

    async def _holds(self, key: str) -> bool:
        now, held = self._clock.monotonic(), self._held.get(key)
        if held is not None and now - held.asked < self._look:
            return True
        lease = None
        if held is not None:
            lease = await self._leases.renew(held.lease, self._ttl)
        if lease is None:
            lease = await self._leases.take(key, self._owner, self._ttl)
        if lease is not None:
            self._held[key] = _Hold(lease, now)
        elif self._held.pop(key, None) is not None:
            log.warning("another process reads on", key=key)
        return lease is not None


def place(consumer: str, topic: str) -> str:
    """Name the lease of whoever reads a topic for a consumer."""
    return f"reader/{consumer}/{topic}"
