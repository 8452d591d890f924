"""The gateway: a process without a domain, at which clients find all of them."""

import math
from collections.abc import Sequence

import structlog

from meeting.app import reach
from meeting.app.assembly.desk import known, limits
from meeting.app.assembly.health import readiness
from meeting.app.config import Config
from meeting.app.module import Module
from meeting.app.modules import DOMAINS, GATEWAY
from meeting.app.run import House
from meeting.app.state import State
from meeting.kernel.clock import SystemClock
from meeting.kernel.ids import RandomIds
from meeting.kernel.token import Tokens
from meeting.transports.gateway.bounds import Bounds
from meeting.transports.gateway.gateway import Gateway
from meeting.transports.policy import Domain

log = structlog.get_logger(__name__)

SILENT = 5
"""After how many pings of its owner that did not come a socket is taken for dead."""
PORT = "http"
"""Where all routes are, as in a house of one process."""


def build(config: Config) -> House:
    """Make the gateway of the settings; the owners of the routes may be there or not."""
    clock, ids = SystemClock(), RandomIds()
    state = State(config.state, parts=config.only)
    addresses: dict[str, str] = {}
    gateway = Gateway(
        {Domain(name): owners(config, name) for name in DOMAINS},
        config.http.host,
        config.http.port,
        setting="http.port",
        bounds=Bounds(
            owners=limits(config),
            connections=config.gateway.connections,
            sockets=config.signaling.max_sockets,
            silence_seconds=math.inf if config.debug else SILENT * config.signaling.ping_seconds,
        ),
        tokens=Tokens(config.secret or state.secret("signing"), clock, ids),
        services=known(config, state),
        clock=clock,
        ids=ids,
        ready=lambda: readiness(house),
        origins=config.http.origins,
        metrics_open=config.http.metrics_open,
        drain_seconds=config.http.drain_seconds,
    )

    async def start() -> None:
        await gateway.start()
        addresses[PORT] = reach.written(config.http.host, gateway.port)
        log.info("listening", name=PORT, url=addresses[PORT])

    async def leave() -> None:
        await gateway.close()
        await gateway.stop()

    async def stop() -> None:
        await leave()
        state.release()

    module = Module(
        GATEWAY,
        start=start,
        lacks=lambda: gateway.watch.lack,
        background=[gateway.watch.run],
        drain=leave,
        stop=stop,
    )
    house = House([module], drain_seconds=config.http.drain_seconds, addresses=addresses)
    return house


def owners(config: Config, domain: str) -> Sequence[str]:
    """Return where the routes of a domain are: as set, or on this machine."""
    return getattr(config.gateway, domain) or [reach.url(config, domain)]
