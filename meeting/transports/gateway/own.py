"""What the gateway answers by itself: how it is, its figures, and what all routes are."""

from collections.abc import Callable

import msgspec
from prometheus_client import CollectorRegistry, Counter, Gauge, generate_latest

from meeting.kernel.errors import Fault, Kind
from meeting.transports.gateway.schema import Schemas
from meeting.transports.http.exchange import Exchange
from meeting.transports.http.health import Alive, Readiness
from meeting.transports.http.metrics import FORMAT, here

JSON = "application/json"
OPENAPI = "application/vnd.oai.openapi+json"


class Figures:
    """Counts what passes; the labels are names of ours alone."""

    def __init__(self) -> None:
        self._registry = own = CollectorRegistry()
        self._requests = Counter(
            "meeting_gateway_requests",
            "Requests by the owner of their route and the class of the answer's status.",
            ["owner", "status"],
            registry=own,
        )
        self.sockets = Gauge(
            "meeting_gateway_sockets", "WebSockets that are open through here.", registry=own
        )

    def told(self, owner: str, status: int) -> None:
        """Count one request; status 0: the client left before there was an answer."""
        self._requests.labels(owner, f"{status // 100}xx" if status else "left").inc()

    def scrape(self) -> bytes:
        """Return all figures as Prometheus reads them."""
        return generate_latest(self._registry)


class Own:
    """Answers the routes of `policy.BARE`; `ready` tells how the modules of this process are."""

    def __init__(
        self,
        ready: Callable[[], Readiness],
        schemas: Schemas,
        figures: Figures,
        *,
        metrics_open: bool,
    ) -> None:
        self._ready = ready
        self._schemas = schemas
        self._figures = figures
        self._metrics_open = metrics_open

    async def answer(self, path: str, peer: str, exchange: Exchange) -> None:
        """Answer a GET; the figures are for this machine alone, unless they are open."""
        match path:
            case "/health":
                await _say(exchange, 200, JSON, msgspec.json.encode(Alive()))
            case "/ready":
                found = self._ready()
                status = 200 if found.status == "ready" else 503
                await _say(exchange, status, JSON, msgspec.json.encode(found))
            case "/metrics" if self._metrics_open or here(peer, exchange.headers):
                await _say(exchange, 200, FORMAT, self._figures.scrape())
            case "/schema":
                await _say(exchange, 200, OPENAPI, await self._schemas.merged())
            case _:
                raise Fault(Kind.NOT_FOUND, "there is no such route; GET /schema lists them")


async def _say(exchange: Exchange, status: int, kind: str, content: bytes) -> None:
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(content)).encode()),
    ]
    await exchange.send({"type": "http.response.start", "status": status, "headers": headers})
    await exchange.send({"type": "http.response.body", "body": content, "more_body": False})
