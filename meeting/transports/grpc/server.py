"""One gRPC port: within bounds, and drained without leaving anybody in the dark."""

import asyncio
import ssl
from collections.abc import Iterable
from typing import cast

import msgspec

from meeting.transports.grpc import health, reflection
from meeting.transports.grpc.calls import Calls
from meeting.transports.grpc.dispatch import Dispatch
from meeting.transports.grpc.gate import Desk, Gate
from meeting.transports.grpc.service import Rpc, rows
from meeting.transports.grpc.wire import LEAVE_SECONDS, STREAMS, Wire
from meeting.transports.http.body import Store
from meeting.transports.listening import Listening

CONNECTIONS = 1000
MESSAGE_BYTES = 32 * 2**20
BODIES_BYTES = 10 * MESSAGE_BYTES
TOLD_SECONDS = 6.0
"""How long calls that were told to end may take to do so."""


class Quiet(msgspec.Struct, frozen=True):
    """How many seconds a connection may be without a call: before the first, and after one.

    An endless call of nobody known counts for none: whoever watches on comes back.
    """

    hello: float = 15.0
    idle: float = 300.0


QUIET = Quiet()


class Port(Listening):
    """`start` when its services can answer, `close` and `stop` to drain it."""

    def __init__(
        self,
        rpcs: Iterable[Rpc],
        desk: Desk,
        host: str,
        port: int,
        *,
        setting: str,
        ready: health.Ready = lambda _service: True,
        bodies: Store | None = None,
        message_bytes: int = MESSAGE_BYTES,
        connections: int = CONNECTIONS,
        streams: int = STREAMS,
        drain_seconds: float = 20.0,
        quiet: Quiet = QUIET,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(host, port, setting)
        self._told_ready = ready
        own = list(rpcs)
        names = {rpc.service for rpc in own}
        every = [
            *health.served(names, self._ready),
            *reflection.served({*names, health.NAME}),
            *own,
        ]
        served = {rpc.path: rpc for rpc in every}
        self.gate = Gate(desk, rows(served.values()))
        store = bodies or Store(BODIES_BYTES)
        self.dispatch = Dispatch(served, self.gate, desk.clock, store, message_bytes)
        self.connections = connections
        self.streams = streams
        self.quiet = quiet
        self.guests: set[Guest] = set()
        self._drain_seconds = drain_seconds
        self._tls = tls

    async def start(self) -> None:
        """Serve; returns once connections are accepted."""
        await self._listen(
            lambda: Guest(self),
            ssl=self._tls,
            ssl_handshake_timeout=self.quiet.hello if self._tls else None,
        )

    async def close(self) -> None:
        """Accept nothing new: no connections, and no calls on those that there are."""
        self.dispatch.closing = True
        self._shut()

    async def stop(self) -> None:
        """Let open calls end (for `drain_seconds`), tell the others so, and leave the port."""
        await self.close()
        for guest in self.guests:
            guest.calls.tell(endless=True)
        await self._calm(self._drain_seconds)
        for guest in self.guests:
            guest.calls.tell()
        await self._calm(TOLD_SECONDS)
        await asyncio.gather(*(guest.left() for guest in self.guests))

    def _ready(self, service: str) -> bool:
        """Tell whether to send work here: who drains is not asked for more."""
        return not self.dispatch.closing and self._told_ready(service)

    async def _calm(self, seconds: float) -> None:
        """Wait until no call is open, or so long."""
        if tasks := [task for guest in self.guests for task in guest.calls.tasks]:
            await asyncio.wait(tasks, timeout=seconds)


class Guest(Wire):
    """One client that is connected."""

    def __init__(self, port: Port) -> None:
        self.calls = Calls(port.dispatch)
        super().__init__(self.calls, streams=port.streams)
        self._port = port
        self._timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Let the client in, if there is room: whoever is in is served on."""
        if len(self._port.guests) >= self._port.connections or self._port.dispatch.closing:
            cast("asyncio.Transport", transport).abort()
            return
        peer = transport.get_extra_info("peername")
        self.calls.address = peer[0] if peer else ""
        super().connection_made(transport)
        self._port.guests.add(self)
        self._watch()

    def connection_lost(self, exc: BaseException | None) -> None:
        """Forget the client."""
        if self in self._port.guests:
            self._port.guests.discard(self)
            if self._timer is not None:
                self._timer.cancel()
            super().connection_lost(exc)

    def _watch(self) -> None:
        """Hang up on who says nothing, now and whenever they may have fallen silent."""
        loop, quiet = asyncio.get_running_loop(), self._port.quiet
        wait = quiet.idle if self.calls.ever else quiet.hello
        if self.connection.is_closing():
            self.transport.abort()  # what is left to send nobody took
        elif not self.calls.busy and self.calls.since + wait <= loop.time():
            self.leave()
            self._timer = loop.call_later(LEAVE_SECONDS, self.transport.abort)
        else:
            self._timer = loop.call_later(min(quiet.hello, quiet.idle), self._watch)
