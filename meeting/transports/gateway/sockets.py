"""The WebSockets that are open through the gateway."""

import asyncio

from aiohttp import web
from multidict import CIMultiDict
from prometheus_client import Gauge

from meeting.kernel.errors import Fault, Kind
from meeting.transports.gateway.bounds import Bounds
from meeting.transports.gateway.forward import convey
from meeting.transports.gateway.line import threshold
from meeting.transports.gateway.owners import Owners, Refused
from meeting.transports.gateway.relay import Relay
from meeting.transports.http.exchange import Exchange
from meeting.transports.policy import Domain


class Sockets:
    """Opens sockets at their owners, and closes them all when the gateway stops."""

    def __init__(self, owners: Owners, bounds: Bounds, gauge: Gauge) -> None:
        self._owners = owners
        self._bounds = bounds
        self._gauge = gauge
        self._open: dict[asyncio.Task[None], Relay] = {}
        self._asked = 0

    def wanted(self, request: web.BaseRequest) -> bool:
        """Tell whether a request asks for a WebSocket, and well."""
        return request.method == "GET" and bool(web.WebSocketResponse().can_prepare(request))

    async def serve(
        self,
        request: web.BaseRequest,
        exchange: Exchange,
        domain: Domain,
        sent: CIMultiDict[str],
    ) -> web.StreamResponse:
        """Open a socket at its owner and carry what is said; its refusal passes as it is."""
        if len(self._open) + self._asked >= self._bounds.sockets:
            raise Fault(
                Kind.RATE_LIMITED, "there are too many sockets here; try again", retry_after=1
            )
        self._asked += 1
        try:
            owner = await self._owners.socket(domain, request.raw_path, sent)
        except Refused as refused:
            try:
                return await convey(request, exchange, refused.answer, last=False)
            finally:
                refused.answer.close()
        finally:
            self._asked -= 1
        relay = Relay(request, owner, self._bounds)
        if (line := threshold(request)) is not None:
            line.upgraded()  # before our answer is out: from its arrival on there may be frames
        exchange.status = 101
        task = asyncio.create_task(relay.run())
        self._open[task] = relay
        self._gauge.inc()
        task.add_done_callback(self._ended)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            # The client has gone. What it said before, such as its close, is still carried.
            await asyncio.wait({task}, timeout=self._bounds.farewell_seconds)
            task.cancel()
            raise
        return relay.client

    async def drain(self) -> None:
        """Close all sockets, and wait until their clients have read it."""
        for relay in self._open.values():
            relay.leave()
        if self._open:
            await asyncio.wait(set(self._open), timeout=2 * self._bounds.farewell_seconds)

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._open[task]
        self._gauge.dec()
