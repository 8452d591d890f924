"""Puts the house together: every part is made here and handed to those that need it."""

from collections.abc import Mapping, Sequence

import structlog

from meeting.app import modules
from meeting.app.assembly import (
    ai,
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
from meeting.kernel.token import Tokens

log = structlog.get_logger(__name__)


async def hands(config: Config, queues: Sequence[str]) -> House:
    """Make what does background tasks, and nothing that listens; a server may run beside it."""
    clock, ids = SystemClock(), RandomIds()
    stores.beside(config)
    state = State(config.state, guest=True)
    tokens = Tokens(config.secret or state.secret("signing"), clock, ids)
    kept = stores.make(config, state, clock, ids)
    people = user.make(config, kept, tokens, clock, ids)
    meetings = meeting.make(kept, people, tokens, clock)
    desks = [desk for desk in (*people.desks, *meetings.desks) if desk.queue in queues]
    if missing := sorted(set(queues) - {desk.queue for desk in desks}):
        log.warning("nobody here works on these queues yet", queues=missing)
    meter = workers.meter(kept, desks)
    made = workers.make(config, kept, desks, meter.told, clock, ids)
    # Without the meeting domain's own module: its readers of events are the server's.
    return House([kept.module, people.module, made.module], config.http.drain_seconds)


async def build(config: Config) -> House:
    """Make all modules of this process; nothing runs and no port is taken yet."""
    clock, ids = SystemClock(), RandomIds()
    state = State(config.state)
    tokens = Tokens(config.secret or state.secret("signing"), clock, ids)
    kept = stores.make(config, state, clock, ids)
    machine = engine.make(config, clock, ids)
    people = user.make(config, kept, tokens, clock, ids)
    meetings = meeting.make(kept, people, tokens, clock)
    signals = signaling.make(config, state.name, kept, people, meetings, tokens, clock, ids)
    analysis = ai.make(config, kept, meetings, machine, clock, ids)
    notices = notification.make(config, kept, signals, ids)
    desks = [*people.desks, *meetings.desks]
    meter = workers.meter(kept, desks)
    hands = workers.make(config, kept, desks, meter.told, clock, ids)
    doors = ports.make(
        config,
        kept,
        people,
        meetings,
        signals,
        analysis,
        notices,
        tokens,
        clock,
        ids,
        meter,
        lambda: house,
    )
    made: Mapping[str, Module] = {
        modules.STORES: kept.module,
        modules.ENGINE: machine.module,
        modules.USER: people.module,
        modules.MEETING: meetings.module,
        modules.SIGNALING: signals.module,
        modules.AI: analysis.module,
        modules.NOTIFICATION: notices.module,
        modules.WORKERS: hands.module,
        modules.PORTS: doors.module,
    }
    house = House(
        [made[name] for name in modules.order()],
        drain_seconds=config.http.drain_seconds,
        addresses=doors.addresses,
    )
    return house
