"""The gateway's port: `bind` early, `start`, `close` it to who is not in yet, `stop` it for all."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence

from aiohttp import web

from meeting.kernel.clock import Clock
from meeting.kernel.errors import invalid
from meeting.kernel.ids import Ids
from meeting.kernel.token import Tokens
from meeting.transports import policy
from meeting.transports.gateway.bounds import Bounds
from meeting.transports.gateway.door import Desk, Door
from meeting.transports.gateway.line import Threshold
from meeting.transports.gateway.own import Figures, Own
from meeting.transports.gateway.owners import HEADERS, READ_BYTES, Owners
from meeting.transports.gateway.schema import Schemas
from meeting.transports.gateway.sockets import Sockets
from meeting.transports.gateway.watch import Watch
from meeting.transports.http.exchange import LINGER_SECONDS, stamp
from meeting.transports.http.failures import failures
from meeting.transports.http.health import Readiness
from meeting.transports.http.refusal import refusal
from meeting.transports.http.server import HEAD_BYTES, HEAD_SECONDS, Full
from meeting.transports.listening import Listening
from meeting.transports.policy import Domain
from meeting.transports.services import Services

_log = failures(__name__)


class Gateway(Listening):
    """A reverse proxy in front of the `owners`, each with the addresses of its processes.

    `ready` tells how the modules of this process are; `tokens` mark the clients' addresses, so that
    an owner believes them; `services` knows theirs. An address is `http://host:port`.
    """

    def __init__(
        self,
        owners: Mapping[Domain, Sequence[str]],
        host: str,
        port: int,
        *,
        setting: str,
        bounds: Bounds,
        tokens: Tokens,
        services: Services,
        clock: Clock,
        ids: Ids,
        ready: Callable[[], Readiness],
        origins: Collection[str] = (),
        metrics_open: bool = False,
        drain_seconds: float = 20.0,
    ) -> None:
        super().__init__(host, port, setting)
        self._bounds = bounds
        self._clock = clock
        self._ids = ids
        self._owners = Owners(owners, bounds)
        self.watch = Watch(self._owners, owners)
        figures = Figures()
        schemas = Schemas(self._owners, policy.owners(), bounds, clock)
        self._sockets = Sockets(self._owners, bounds, figures.sockets)
        self._desk = Desk(
            owners=self._owners,
            sockets=self._sockets,
            own=Own(ready, schemas, figures, metrics_open=metrics_open),
            figures=figures,
            bounds=bounds,
            tokens=tokens,
            services=services,
            clock=clock,
            ids=ids,
            origins=origins,
        )
        self._http: web.Server | None = None
        self._drain_seconds = drain_seconds
        self._stopping: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Serve; returns once connections are accepted. No owner has to be there yet."""
        self.bind()
        await self._owners.start()
        self._http = web.Server(
            Door(self._desk),
            handler_cancellation=True,  # a client that hangs up ends its request at the owner, too
            access_log=None,
            logger=_log,
            # Counts from the last answer, or the beginning, until the next head is complete.
            keepalive_timeout=HEAD_SECONDS,
            lingering_time=LINGER_SECONDS,
            read_bufsize=READ_BYTES,
            max_headers=HEADERS,
            auto_decompress=False,
        )
        await self._listen(self._protocol)

    async def close(self) -> None:
        """Accept nothing new; who is connected stays, but gets no new request through."""
        self._desk.closing.set()
        self._shut()

    async def stop(self) -> None:
        """Close all sockets, let what runs end (for `drain_seconds`), and leave the port."""
        if self._stopping is None:
            self._stopping = asyncio.create_task(self._stop())
        # Whoever waits here may be out of patience; the end goes on to its end all the same.
        await asyncio.shield(self._stopping)

    async def _stop(self) -> None:
        await self.close()
        if self._http is None:
            return
        await self._sockets.drain()
        self._http.pre_shutdown()
        await self._http.shutdown(self._drain_seconds)
        await self._owners.close()

    def _protocol(self) -> asyncio.Protocol:
        """Make what serves one connection, if there is room for it."""
        if self._http is None or len(self._http.connections) >= (
            self._bounds.connections + self._bounds.sockets
        ):
            return Full()
        return Threshold(self._http(), HEAD_BYTES, self._too_long)

    def _too_long(self) -> bytes:
        """Write the answer to a head that is too long."""
        request_id = self._ids.new()
        fault = invalid("head", f"must be at most {HEAD_BYTES} bytes")
        said = refusal(fault, request_id, self._clock.now())
        lines = [
            b"HTTP/1.1 400 Bad Request",
            b"connection: close",
            *(b": ".join(pair) for pair in (*said.headers, *stamp(request_id))),
        ]
        return b"\r\n".join([*lines, b"", said.body])
