"""The ports of this process: 8080 with everything, or one for each of its parts."""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence

import structlog
from litestar.handlers import HTTPRouteHandler

from meeting.app import reach
from meeting.app.assembly.health import readiness
from meeting.app.assembly.part import Part
from meeting.app.config import Config
from meeting.app.module import Module
from meeting.app.modules import AI, DOMAINS, PORTS, SIGNALING
from meeting.app.run import House
from meeting.domains.signaling.service import Signaling
from meeting.transports.grpc.server import Port
from meeting.transports.http import app, health, metrics
from meeting.transports.http.gate import Desk, Gate
from meeting.transports.http.metrics import Meter
from meeting.transports.http.server import CONNECTIONS, Listener
from meeting.transports.websocket import aio, asgi

log = structlog.get_logger(__name__)

GRPC = "grpc"
HTTP = "http"
"""The port that has everything, where everything is in one process."""


def make(
    config: Config,
    desk: Desk,
    parts: Mapping[str, Part],
    signals: Signaling | None,
    calls: Mapping[str, Port],
    addresses: dict[str, str],
    meter: Meter,
    house: Callable[[], House],
) -> Module:
    """Make the ports on one desk; they are taken when the module starts, and noted by name."""
    bare = [
        *health.routes(lambda: readiness(house())),
        metrics.route(meter, everybody=config.http.metrics_open),
    ]
    listeners = _listeners(config, desk, parts, signals, bare)

    async def start() -> None:
        for name, listener in listeners.items():
            await listener.start()
            addresses[name] = reach.written(config.http.host, listener.port)
            log.info("listening", name=name, url=addresses[name])
        for name, port in calls.items():
            await port.start()
            addresses[f"{GRPC}.{name}"] = reach.place(config.grpc.host, port.port)
            log.info("listening", name=f"{GRPC}.{name}", url=addresses[f"{GRPC}.{name}"])

    async def leave() -> None:
        # Doors first: sockets may take seconds to close, and nothing new is to get in meanwhile.
        desk.closing.set()
        for listener in (*listeners.values(), *calls.values()):
            await listener.close()
        if signals is not None:
            await signals.drain()
        everything = (*listeners.values(), *calls.values())
        await asyncio.gather(*(listener.stop() for listener in everything))

    return Module(PORTS, start=start, drain=leave, stop=leave)


def _listeners(
    config: Config,
    desk: Desk,
    parts: Mapping[str, Part],
    signals: Signaling | None,
    bare: Sequence[HTTPRouteHandler],
) -> Mapping[str, Listener | aio.Port]:
    listeners: dict[str, Listener | aio.Port] = {}
    whole = parts.keys() == set(DOMAINS)
    if whole:
        routes = [route for part in parts.values() for route in part.routes]
        listeners[HTTP] = _everything(config, desk, routes, bare, signals)
    for domain, part in parts.items():
        if domain == SIGNALING and signals is not None:
            rest = app.build(desk, part.routes, bare)
            listeners[domain] = _signaling(config, desk, signals, rest)
        elif domain == AI or not whole:
            listeners[domain] = Listener(
                app.build(desk, part.routes, bare),
                config.http.host,
                getattr(config, domain).port,
                setting=f"{domain}.port",
                drain_seconds=math.ceil(config.http.drain_seconds),
            )
    return listeners


def _everything(
    config: Config,
    desk: Desk,
    routes: Sequence[HTTPRouteHandler],
    bare: Sequence[HTTPRouteHandler],
    signals: Signaling | None,
) -> Listener:
    sockets = []
    if signals is not None:
        sockets.append(
            asgi.route(
                signals,
                origins=desk.origins,
                ids=desk.ids,
                clock=desk.clock,
                tokens=desk.tokens,
            )
        )
    return Listener(
        app.build(desk, routes, bare, sockets),
        config.http.host,
        config.http.port,
        setting="http.port",
        drain_seconds=math.ceil(config.http.drain_seconds),
        connections=_connections(config),
    )


def _signaling(config: Config, desk: Desk, signals: Signaling, rest: Gate) -> aio.Port:
    served = aio.app(
        signals,
        origins=desk.origins,
        ids=desk.ids,
        clock=desk.clock,
        tokens=desk.tokens,
        rest=rest,
    )
    return aio.Port(
        served,
        config.http.host,
        config.signaling.port,
        setting="signaling.port",
        connections=_connections(config),
    )


def _connections(config: Config) -> int:
    """Return for how many there is room: who asks by HTTP finds it beside all sockets."""
    return config.signaling.max_sockets + CONNECTIONS
