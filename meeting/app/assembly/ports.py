"""The ports of this process: 8080 with everything, or one for each of its parts."""

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence

import msgspec
import structlog
from litestar.handlers import HTTPRouteHandler

from meeting.app.assembly.signaling import Signals
from meeting.app.config import Config
from meeting.app.module import Module
from meeting.app.modules import AI, DOMAINS, PORTS, SIGNALING
from meeting.app.run import House
from meeting.kernel.clock import Clock
from meeting.kernel.ids import Ids
from meeting.transports.http import app, health, metrics
from meeting.transports.http.gate import Desk, Gate
from meeting.transports.http.health import ModuleState, Readiness
from meeting.transports.http.metrics import Meter
from meeting.transports.http.server import CONNECTIONS, Listener
from meeting.transports.websocket import aio, asgi

log = structlog.get_logger(__name__)

HTTP = "http"
"""The port that has everything, where everything is in one process."""


class Doors(msgspec.Struct, frozen=True):
    """The listening ports and where they are."""

    module: Module
    addresses: dict[str, str]


class Faces(msgspec.Struct, frozen=True):
    """What of this process's domains is shown on HTTP ports."""

    routes: Mapping[str, Sequence[HTTPRouteHandler]]
    """By domain; one without routes yet is there all the same."""
    signals: Signals | None

    @property
    def whole(self) -> bool:
        """Tell whether all of the house is here."""
        return set(self.routes) == set(DOMAINS)


def make(
    config: Config,
    desk: Desk,
    faces: Faces,
    addresses: dict[str, str],
    clock: Clock,
    ids: Ids,
    meter: Meter,
    house: Callable[[], House],
) -> Doors:
    """Make the ports on one desk; they are taken when the module starts."""
    bare = [
        *health.routes(lambda: _readiness(house())),
        metrics.route(meter, everybody=config.http.metrics_open),
    ]
    listeners: dict[str, Listener | aio.Port] = {}
    if faces.whole:
        listeners[HTTP] = _everything(config, desk, faces, bare, clock, ids)
    for domain, routes in faces.routes.items():
        if domain == SIGNALING and faces.signals is not None:
            rest = app.build(desk, routes, bare)
            listeners[domain] = _signaling(config, faces.signals, rest, clock, ids)
        elif domain == AI or not faces.whole:
            listeners[domain] = Listener(
                app.build(desk, routes, bare),
                config.http.host,
                getattr(config, domain).port,
                setting=f"{domain}.port",
                drain_seconds=math.ceil(config.http.drain_seconds),
            )

    async def start() -> None:
        host = config.http.host
        for name, listener in listeners.items():
            await listener.start()
            shown = f"[{host}]" if ":" in host else host
            addresses[name] = f"http://{shown}:{listener.port}"
            log.info("listening", name=name, url=addresses[name])

    async def leave() -> None:
        # Doors first: sockets may take seconds to close, and nothing new is to get in meanwhile.
        desk.closing.set()
        for listener in listeners.values():
            await listener.close()
        if faces.signals is not None:
            await faces.signals.service.drain()
        await asyncio.gather(*(listener.stop() for listener in listeners.values()))

    return Doors(module=Module(PORTS, start=start, drain=leave, stop=leave), addresses=addresses)


def _everything(
    config: Config,
    desk: Desk,
    faces: Faces,
    bare: Sequence[HTTPRouteHandler],
    clock: Clock,
    ids: Ids,
) -> Listener:
    everything = [route for routes in faces.routes.values() for route in routes]
    sockets = []
    if faces.signals is not None:
        origins = config.http.origins
        sockets.append(asgi.route(faces.signals.service, origins=origins, ids=ids, clock=clock))
    return Listener(
        app.build(desk, everything, bare, sockets),
        config.http.host,
        config.http.port,
        setting="http.port",
        drain_seconds=math.ceil(config.http.drain_seconds),
        connections=_connections(config),
    )


def _signaling(config: Config, signals: Signals, rest: Gate, clock: Clock, ids: Ids) -> aio.Port:
    served = aio.app(signals.service, origins=config.http.origins, ids=ids, clock=clock, rest=rest)
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


def _readiness(house: House) -> Readiness:
    modules = {}
    for module in house.modules:
        state, reason = module.standing
        modules[module.name] = ModuleState(state=state, reason=reason)
    return Readiness(status=house.status, modules=modules)
