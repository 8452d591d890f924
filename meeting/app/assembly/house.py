"""Puts the house together: every part is made here and handed to those that need it."""

import math
from typing import TypeVar

from meeting.app import modules, reach
from meeting.app.assembly import (
    ai,
    calls,
    desk,
    engine,
    gateway,
    meeting,
    notification,
    peers,
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
from meeting.domains.meeting.api import MeetingApi
from meeting.domains.signaling.api import SignalingApi
from meeting.domains.signaling.service import Signaling
from meeting.domains.user.api import UserApi
from meeting.kernel.clock import SystemClock
from meeting.kernel.ids import RandomIds
from meeting.kernel.password import Passwords
from meeting.kernel.token import Tokens
from meeting.transports.grpc import media

Api = TypeVar("Api")


async def build(config: Config) -> House:
    """Make all modules of this process; nothing runs and no port is taken yet."""
    if modules.GATEWAY in config.only:
        return gateway.build(config)
    here = frozenset(config.only or modules.DOMAINS)
    clock, ids = SystemClock(), RandomIds()
    state = State(config.state, parts=config.only)
    tokens = Tokens(config.secret or state.secret("signing"), clock, ids)
    services = desk.known(config, state)
    kept = stores.make(config, state, clock, ids)
    away = peers.make(config, services.secret, here, clock, ids)
    passwords, limits = Passwords(), desk.limits(config)
    addresses: dict[str, str] = {}

    def own() -> str:
        return addresses.get(ports.HTTP, reach.url(config))

    def near(api: Api, name: str) -> Api:
        return direct(api, name, clock, math.inf if config.debug else config.grpc.call_seconds)

    made = {modules.STORES: kept.module, modules.PEERS: away.module}
    parts: dict[str, Part] = {}
    user_api: UserApi = away.user
    if modules.USER in here:
        users = user.make(config, kept, passwords, tokens, limits, clock, ids)
        parts[modules.USER], user_api = users.part, near(users.service, modules.USER)
    meeting_api: MeetingApi = away.meeting
    if modules.MEETING in here:
        meetings = meeting.make(config, kept, user_api, passwords, tokens, own, clock)
        parts[modules.MEETING] = meetings.part
        meeting_api = near(meetings.service, modules.MEETING)
    signals: Signaling | None = None
    signaling_api: SignalingApi = away.signaling
    if modules.SIGNALING in here:
        made_signals = signaling.make(config, kept, user_api, meeting_api, tokens, clock, ids)
        parts[modules.SIGNALING], signals = made_signals.part, made_signals.service
        signaling_api = near(signals.broadcasts, modules.SIGNALING)
    if modules.MEDIA in here:
        parts[modules.MEDIA] = Part(module=Module(modules.MEDIA), rpcs=media.served())
    if modules.AI in here:
        machine = engine.make(config, clock, ids)
        made[modules.ENGINE] = machine.module
        parts[modules.AI] = ai.make(config, kept, meeting_api, machine, clock, ids)
    if modules.NOTIFICATION in here:
        parts[modules.NOTIFICATION] = notification.make(
            config, state.name, kept, user_api, signaling_api, clock, ids
        )
    desks = [each for part in parts.values() for each in part.desks]
    meter = workers.meter(kept, desks)
    gates = desk.make(config, kept, user_api, tokens, services, limits, clock, ids)
    hands = workers.make(config, kept, desks, meter.told, clock, ids)
    lines = calls.make(config, gates, services, parts, away.notification, lambda: house)
    doors = ports.make(config, gates, parts, signals, lines, addresses, meter, lambda: house)
    made |= {name: part.module for name, part in parts.items()}
    made |= {modules.WORKERS: hands.module, modules.PORTS: doors}
    house = House(
        [made[name] for name in modules.order() if name in made],
        drain_seconds=config.http.drain_seconds,
        addresses=addresses,
    )
    return house
