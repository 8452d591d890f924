"""Figures of this process and its queues, for Prometheus; loopback alone, unless configured."""

import ipaddress
from collections.abc import Awaitable, Callable, Collection, Container, Mapping, Sequence
from typing import Any

from litestar import Request, Response, get
from litestar.handlers import HTTPRouteHandler
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from meeting.kernel.errors import Fault, Kind
from meeting.kernel.letter import Held
from meeting.kernel.message import Behind
from meeting.kernel.parked import Pile
from meeting.kernel.queue import Depth
from meeting.transports.http.forwarded import MARK

FORMAT = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.005, 0.02, 0.1, 0.5, 2, 10, 30, 120)
FORWARDED = ("x-forwarded-for", "forwarded", "x-real-ip")
"""What a proxy on this machine adds: then the peer is loopback, but who asks is not."""


class Meter:
    """Counts attempts as they end, and looks at the queues and consumers when it is asked.

    Labels are names of ours alone: a type that no handler has counts as `other`, so that nobody
    who writes into a queue can make as many series as he likes.
    """

    def __init__(
        self,
        *,
        types: Collection[str],
        depths: Callable[[], Awaitable[Mapping[str, Depth]]],
        lags: Callable[[], Awaitable[Sequence[Behind]]],
        aside: Callable[[], Awaitable[Sequence[Pile]]],
    ) -> None:
        self._types = frozenset(types)
        self._depths = depths
        self._lags = lags
        self._aside = aside
        self._registry = own = CollectorRegistry()
        self._attempts = Counter(
            "meeting_task_attempts",
            "Attempts at tasks, by how they ended: done, again, back, dead or over.",
            ["queue", "type", "outcome"],
            registry=own,
        )
        self._seconds = Histogram(
            "meeting_task_seconds",
            "How long an attempt took.",
            ["queue"],
            buckets=SECONDS,
            registry=own,
        )
        self._counted: dict[tuple[str, str, str], tuple[Counter, Histogram]] = {}
        """By queue, type and outcome: looking them up takes longer than counting."""
        self._tasks = Gauge(
            "meeting_queue_tasks",
            "Tasks by where they are; those that wait also by lane.",
            ["queue", "place", "lane"],
            registry=own,
        )
        self._oldest = Gauge(
            "meeting_queue_oldest_seconds",
            "Age of the oldest waiting task.",
            ["queue"],
            registry=own,
        )
        self._behind = Gauge(
            "meeting_consumer_lag_events",
            "Events that a consumer has not consumed yet.",
            ["consumer", "topic"],
            registry=own,
        )
        self._parked = Gauge(
            "meeting_consumer_parked_events",
            "Events laid aside because their handler kept failing, or nobody can read them.",
            ["consumer", "topic"],
            registry=own,
        )
        self._up = Gauge(
            "meeting_stores_up", "1 while the stores answer; 0: the gauges are old.", registry=own
        )

    def told(self, held: Held, outcome: str, seconds: float) -> None:
        """Count one attempt."""
        kind = held.letter.type if held.letter.type in self._types else "other"
        labels = (held.queue, kind, outcome)
        if labels not in self._counted:
            both = (self._attempts.labels(*labels), self._seconds.labels(held.queue))
            self._counted[labels] = both
        attempts, took = self._counted[labels]
        attempts.inc()
        took.observe(seconds)

    async def scrape(self) -> bytes:
        """Return all figures as Prometheus reads them; those of stores that are away are old."""
        try:
            await self._look()
        except Fault as fault:
            if fault.kind is not Kind.UNAVAILABLE:
                raise
            self._up.set(0)
        else:
            self._up.set(1)
        return generate_latest(self._registry)

    async def _look(self) -> None:
        for queue, depth in (await self._depths()).items():
            for lane, number in depth.waiting.items():
                self._tasks.labels(queue, "waiting", lane.name.lower()).set(number)
            for place in ("held", "delayed", "dead"):
                self._tasks.labels(queue, place, "").set(getattr(depth, place))
            self._oldest.labels(queue).set(depth.oldest)
        lags, aside = await self._lags(), await self._aside()
        self._parked.clear()  # of a consumer that has none any more nothing else tells
        for lag in lags:
            self._behind.labels(lag.consumer, lag.topic).set(lag.events)
            self._parked.labels(lag.consumer, lag.topic).set(0)
        for pile in aside:
            self._parked.labels(pile.consumer, pile.topic).set(pile.events)


def route(meter: Meter, *, everybody: bool) -> HTTPRouteHandler:
    """Make the route; who is not on this machine finds none, unless it is for `everybody`.

    Through our own gateway nobody finds it: its figures would be those of any one owner.
    """

    @get("/metrics", include_in_schema=False)
    async def metrics(request: Request[Any, Any, Any]) -> Response[bytes]:
        """Return the figures."""
        if MARK in request.headers or not (everybody or here(_peer(request), request.headers)):
            raise Fault(Kind.NOT_FOUND, "there is no such route; GET /schema lists them")
        return Response(await meter.scrape(), media_type=FORMAT)

    return metrics


def _peer(request: Request[Any, Any, Any]) -> str:
    return "" if request.client is None else request.client.host


def here(peer: str, headers: Container[str]) -> bool:
    """Tell whether who asks is on this machine, and no proxy on it asks for somebody else."""
    if any(name in headers for name in FORWARDED):
        return False
    try:
        found = ipaddress.ip_address(peer)
    except ValueError:
        return False
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return (mapped or found).is_loopback
