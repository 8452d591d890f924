"""Puts the house together: every part is made here and handed to those that need it."""

from collections.abc import Mapping, Sequence

import structlog

from meeting.app import modules
from meeting.app.assembly import (
    ai,
    desk,
    engine,
    meeting,
    notification,
    ports,
    signaling,
    stores,
    user,
    workers,
)
from meeting.app.config import Config
from meeting.app.module import Module
from meeting.app.run import House
from meeting.app.state import State
from meeting.kernel.clock import SystemClock
from meeting.kernel.ids import RandomIds
from meeting.kernel.password import Passwords
from meeting.kernel.token import Tokens
from meeting.transports.http.envelope import Envelopes

log = structlog.get_logger(__name__)


async def hands(config: Config, queues: Sequence[str]) -> House:
    """Make what does background tasks, and nothing that listens; a server may run beside it."""
    clock, ids = SystemClock(), RandomIds()
    stores.beside(config)
    state = State(config.state, guest=True)
    tokens = Tokens(config.secret or state.secret("signing"), clock, ids)
    kept = stores.make(config, state, clock, ids)
    passwords = Passwords()
    users = user.make(config, kept, passwords, tokens, clock, ids)
    meetings = meeting.make(kept, users.service, passwords, tokens, clock)
    desks = [each for each in (*users.desks, *meetings.desks) if each.queue in queues]
    if missing := sorted(set(queues) - {each.queue for each in desks}):
        log.warning("nobody here works on these queues yet", queues=missing)
    meter = workers.meter(kept, desks)
    made = workers.make(config, kept, desks, meter.told, clock, ids)
    # Without the meeting domain's own module: its readers of events are the server's.
    return House([kept.module, users.module, made.module], config.http.drain_seconds)


async def build(config: Config) -> House:
    """Make all modules of this process; nothing runs and no port is taken yet."""
    clock, ids = SystemClock(), RandomIds()
    state = State(config.state, parts=config.only)
    tokens = Tokens(config.secret or state.secret("signing"), clock, ids)
    kept = stores.make(config, state, clock, ids)
    machine = engine.make(config, clock, ids)
    passwords = Passwords()
    users = user.make(config, kept, passwords, tokens, clock, ids)
    meetings = meeting.make(kept, users.service, passwords, tokens, clock)
    signals = signaling.make(
        config, state.name, kept, users.service, meetings.service, tokens, clock, ids
    )
    analysis = ai.make(config, kept, meetings.service, machine, clock, ids)
    notices = notification.make(config, kept, signals.service.broadcasts, ids)
    desks = [*users.desks, *meetings.desks]
    meter = workers.meter(kept, desks)
    hands = workers.make(config, kept, desks, meter.told, clock, ids)
    gates = desk.make(config, kept, users.service, tokens, clock, ids)
    envelope = Envelopes(clock)
    addresses: dict[str, str] = {}
    faces = ports.Faces(
        routes={
            modules.USER: user.routes(users, gates.limits, clock, envelope),
            modules.MEETING: meeting.routes(
                meetings, config, lambda: addresses[ports.HTTP], envelope
            ),
            modules.SIGNALING: signaling.routes(signals, envelope),
            modules.MEDIA: (),
            modules.AI: ai.routes(analysis, envelope),
            modules.NOTIFICATION: notification.routes(notices, envelope),
        },
        signals=signals,
    )
    doors = ports.make(config, gates, faces, addresses, clock, ids, meter, lambda: house)
    made: Mapping[str, Module] = {
        modules.STORES: kept.module,
        modules.ENGINE: machine.module,
        modules.USER: users.module,
        modules.MEETING: meetings.module,
        modules.SIGNALING: signals.module,
        modules.AI: analysis.module,
        modules.NOTIFICATION: notices.module,
        modules.WORKERS: hands.module,
        modules.PORTS: doors.module,
    }
    house = House(
        [made[name] for name in modules.order() if name in made],
        drain_seconds=config.http.drain_seconds,
        addresses=doors.addresses,
    )
    return house
