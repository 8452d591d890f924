"""A gateway for tests: in front of ports of this process, with its own address."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from meeting.kernel.clock import Clock, SystemClock
from meeting.kernel.ids import RandomIds
from meeting.kernel.secret import Secret
from meeting.kernel.token import Tokens
from meeting.transports.gateway.bounds import Bounds
from meeting.transports.gateway.gateway import Gateway
from meeting.transports.http.health import ModuleState, Readiness
from meeting.transports.policy import Domain
from meeting.transports.services import Services

SERVICES = Services(Secret("what services show in tests, and as long as it has to be"), near=False)
READY = Readiness("ready", {"ports": ModuleState("running")})


class Listening(Protocol):
    """A port of ours, whatever serves it."""

    port: int

    async def start(self) -> None:
        """Listen."""

    async def close(self) -> None:
        """Accept nothing new."""

    async def stop(self) -> None:
        """End what is left."""


def gateway(
    tokens: Tokens,
    owners: Mapping[Domain, Sequence[str]],
    *,
    bounds: Bounds | None = None,
    clock: Clock | None = None,
    origins: Collection[str] = (),
    ready: Callable[[], Readiness] = lambda: READY,
    drain_seconds: float = 5.0,
) -> Gateway:
    """Make a gateway on any free port."""
    return Gateway(
        owners,
        "127.0.0.1",
        0,
        setting="http.port",
        bounds=bounds or Bounds(),
        tokens=tokens,
        services=SERVICES,
        clock=clock or SystemClock(),
        ids=RandomIds(),
        ready=ready,
        origins=origins,
        drain_seconds=drain_seconds,
    )


class Fronted:
    """A port that stands behind a gateway: whoever uses it meets the gateway first."""

    def __init__(
        self,
        behind: Listening,
        tokens: Tokens,
        *,
        bounds: Bounds,
        origins: Collection[str] = (),
        ready: Callable[[], Readiness] = lambda: READY,
    ) -> None:
        self._behind = behind
        self._tokens = tokens
        self._bounds = bounds
        self._origins = origins
        self._ready = ready
        self._gateway: Gateway
        self.port = 0

    async def start(self) -> None:
        """Start both; all domains are behind the one port."""
        await self._behind.start()
        url = f"http://127.0.0.1:{self._behind.port}"
        self._gateway = gateway(
            self._tokens,
            {domain: [url] for domain in Domain},
            bounds=self._bounds,
            origins=self._origins,
            ready=self._ready,
        )
        await self._gateway.start()
        self.port = self._gateway.port

    async def close(self) -> None:
        """Let nobody new in."""
        await asyncio.gather(self._gateway.close(), self._behind.close())

    async def stop(self) -> None:
        """Stop both, the gateway last, as a split does."""
        await self._behind.stop()
        await self._gateway.stop()
