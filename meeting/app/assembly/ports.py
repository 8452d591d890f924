"""The ports of this process: 8080 with everything, 8083 for signalling, 8085 for AI."""

import asyncio
import math
from collections.abc import Callable

import msgspec
import structlog

from meeting.app.assembly.ai import Analysis
from meeting.app.assembly.meeting import Meetings
from meeting.app.assembly.notification import Notices
from meeting.app.assembly.signaling import Signals
from meeting.app.assembly.stores import Stores
from meeting.app.assembly.user import People
from meeting.app.config import Config
from meeting.app.module import Module
from meeting.app.modules import PORTS
from meeting.app.run import House
from meeting.kernel.clock import Clock
from meeting.kernel.ids import Ids
from meeting.kernel.token import Tokens
from meeting.transports.http import (
    ai as ai_routes,
    app,
    health,
    meeting as meeting_routes,
    metrics,
    notification as notification_routes,
    signaling as signaling_routes,
    user as user_routes,
)
from meeting.transports.http.address import socket_url
from meeting.transports.http.body import Store
from meeting.transports.http.envelope import Envelopes
from meeting.transports.http.gate import Desk
from meeting.transports.http.health import ModuleState, Readiness
from meeting.transports.http.idempotency import Once
from meeting.transports.http.limits import Limits, Window
from meeting.transports.http.metrics import Meter
from meeting.transports.http.server import CONNECTIONS, Listener
from meeting.transports.websocket import aio, asgi

log = structlog.get_logger(__name__)


class Doors(msgspec.Struct, frozen=True):
    """The listening ports and where they are."""

    module: Module
    addresses: dict[str, str]


def make(
    config: Config,
    kept: Stores,
    people: People,
    meetings: Meetings,
    signals: Signals,
    analysis: Analysis,
    notices: Notices,
    tokens: Tokens,
    clock: Clock,
    ids: Ids,
    meter: Meter,
    house: Callable[[], House],
) -> Doors:
    """Make the three ports on one desk; they are taken when the module starts."""
    addresses: dict[str, str] = {}
    ice = [{"urls": list(config.signaling.ice_urls)}] if config.signaling.ice_urls else []
    origins, host = config.http.origins, config.http.host
    limits = _limits(config)
    desk = _desk(config, kept, people, tokens, clock, ids, limits)
    bare = [
        *health.routes(lambda: _readiness(house())),
        metrics.route(meter, everybody=config.http.metrics_open),
    ]
    envelope = Envelopes(clock)
    speech = ai_routes.routes(analysis.recognition, analysis.detection, analysis.history, envelope)
    signals_rest = signaling_routes.routes(signals.service.tickets, envelope)
    by_account = Window(limits.per_account, clock)
    everything = [
        *user_routes.routes(
            accounts=people.accounts,
            sessions=people.sessions,
            profiles=people.profiles,
            logins=people.logins,
            by_account=by_account,
            envelope=envelope,
        ),
        *meeting_routes.routes(
            schedule=meetings.schedule,
            lifecycle=meetings.lifecycle,
            attendance=meetings.attendance,
            results=meetings.results,
            envelope=envelope,
            websocket_url=lambda host: socket_url(config.http.public_url, host, addresses["http"]),
            ice_servers=ice,
        ),
        *signals_rest,
        *speech,
        *notification_routes.routes(notices.history, envelope),
    ]
    socket = asgi.route(signals.service, origins=origins, ids=ids, clock=clock)
    drain = math.ceil(config.http.drain_seconds)
    # However many sockets there are, who asks by HTTP finds room beside them.
    connections = config.signaling.max_sockets + CONNECTIONS
    http = Listener(
        app.build(desk, everything, bare, [socket]),
        host,
        config.http.port,
        setting="http.port",
        drain_seconds=drain,
        connections=connections,
    )
    ai = Listener(
        app.build(desk, speech, bare),
        host,
        config.ai.port,
        setting="ai.port",
        drain_seconds=drain,
    )
    signaling = aio.Port(
        aio.app(
            signals.service,
            origins=origins,
            ids=ids,
            clock=clock,
            rest=app.build(desk, signals_rest, bare),
        ),
        host,
        config.signaling.port,
        setting="signaling.port",
        connections=connections,
    )
    listeners: dict[str, Listener | aio.Port] = {"http": http, "signaling": signaling, "ai": ai}

    async def start() -> None:
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
        await signals.service.drain()
        await asyncio.gather(*(listener.stop() for listener in listeners.values()))

    return Doors(module=Module(PORTS, start=start, drain=leave, stop=leave), addresses=addresses)


def _limits(config: Config) -> Limits:
    waits = config.debug
    return Limits(
        json_bytes=config.http.json_bytes,
        ai_bytes=config.ai.body_bytes,
        bodies_bytes=config.http.bodies_bytes,
        body_seconds=math.inf if waits else config.http.body_seconds,
        json_seconds=math.inf if waits else config.http.json_seconds,
        speech_seconds=math.inf if waits else config.ai.speech_seconds,
        picture_seconds=math.inf if waits else config.ai.picture_seconds,
        per_user=config.http.user_rate,
        per_account=config.http.account_rate,
        per_address=config.http.address_rate,
    )


def _desk(
    config: Config,
    kept: Stores,
    people: People,
    tokens: Tokens,
    clock: Clock,
    ids: Ids,
    limits: Limits,
) -> Desk:
    return Desk(
        tokens=tokens,
        users=people.service,
        clock=clock,
        ids=ids,
        limits=limits,
        once=Once(kept.answers, tokens, clock, ids),
        by_user=Window(limits.per_user, clock),
        by_address=Window(limits.per_address, clock),
        bodies=Store(limits.bodies_bytes),
        origins=config.http.origins,
    )


def _readiness(house: House) -> Readiness:
    modules = {}
    for module in house.modules:
        state, reason = module.standing
        modules[module.name] = ModuleState(state=state, reason=reason)
    return Readiness(status=house.status, modules=modules)
