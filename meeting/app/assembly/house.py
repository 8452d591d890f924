"""Puts the house together: every part is made here and handed to those that need it."""

import math
from collections.abc import Sequence

import structlog

from meeting.app import modules
from meeting.app.assembly import (
    ai,
    desk,
    engine,
    gateway,
    meeting,
    notification,
    ports,
    signaling,
    stores,
    user,
    workers,
)
from meeting.app.assembly.edges import direct
from meeting.app.assembly.part import Part
from meeting.app.config import Config
from meeting.app.module import Module
from meeting.app.run import House
from meeting.app.state import State
from meeting.kernel.clock import SystemClock
from meeting.kernel.ids import RandomIds
from meeting.kernel.password import Passwords
from meeting.kernel.token import Tokens

log = structlog.get_logger(__name__)


async def hands(config: Config, queues: Sequence[str]) -> House:
    """Make what does background tasks, and nothing that listens; a server may run beside it."""
    clock, ids = SystemClock(), RandomIds()
    stores.beside(config)
    state = State(config.state, guest=True)
    tokens = Tokens(config.secret or state.secret("signing"), clock, ids)
    kept = stores.make(config, state, clock, ids)
    passwords = Passwords()
    limits = desk.limits(config)
    users = user.make(config, kept, passwords, tokens, limits, clock, ids)
    meetings = meeting.make(config, kept, users.service, passwords, tokens, lambda: "", clock)
    desks = [each for each in (*users.part.desks, *meetings.part.desks) if each.queue in queues]
    if missing := sorted(set(queues) - {each.queue for each in desks}):
        log.warning("nobody here works on these queues yet", queues=missing)
    meter = workers.meter(kept, desks)
    made = workers.make(config, kept, desks, meter.told, clock, ids)
    # Without the meeting domain's own module: its readers of events are the server's.
    return House([kept.module, users.part.module, made.module], config.http.drain_seconds)


async def build(config: Config) -> House:
    """Make all modules of this process; nothing runs and no port is taken yet."""
    if modules.GATEWAY in config.only:
        return gateway.build(config)
    clock, ids = SystemClock(), RandomIds()
    state = State(config.state, parts=config.only)
    tokens = Tokens(config.secret or state.secret("signing"), clock, ids)
    kept = stores.make(config, state, clock, ids)
    passwords, limits = Passwords(), desk.limits(config)
    addresses: dict[str, str] = {}

    def own() -> str:
        return addresses.get(ports.HTTP, f"http://{config.http.host}:{config.http.port}")

    seconds = math.inf if config.debug else config.grpc.call_seconds
    machine = engine.make(config, clock, ids)
    users = user.make(config, kept, passwords, tokens, limits, clock, ids)
    user_api = direct(users.service, modules.USER, clock, seconds)
    meetings = meeting.make(config, kept, user_api, passwords, tokens, own, clock)
    meeting_api = direct(meetings.service, modules.MEETING, clock, seconds)
    signals = signaling.make(config, state.name, kept, user_api, meeting_api, tokens, clock, ids)
    broadcasts = direct(signals.service.broadcasts, modules.SIGNALING, clock, seconds)
    parts = {
        modules.USER: users.part,
        modules.MEETING: meetings.part,
        modules.SIGNALING: signals.part,
        modules.MEDIA: Part(module=Module(modules.MEDIA)),
        modules.AI: ai.make(config, kept, meeting_api, machine, clock, ids),
        modules.NOTIFICATION: notification.make(config, kept, broadcasts, clock, ids),
    }
    desks = [each for part in parts.values() for each in part.desks]
    meter = workers.meter(kept, desks)
    hands = workers.make(config, kept, desks, meter.told, clock, ids)
    gates = desk.make(config, kept, user_api, tokens, limits, clock, ids)
    doors = ports.make(config, gates, parts, signals.service, addresses, meter, lambda: house)
    made = {
        modules.STORES: kept.module,
        modules.ENGINE: machine.module,
        modules.WORKERS: hands.module,
        modules.PORTS: doors,
        **{name: part.module for name, part in parts.items()},
    }
    house = House(
        [made[name] for name in modules.order() if name in made],
        drain_seconds=config.http.drain_seconds,
        addresses=addresses,
    )
    return house
