"""Puts the house together: every part is made here and handed to those that need it."""

from collections.abc import Mapping

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


async def build(config: Config) -> House:
    """Make all modules of this process; nothing runs and no port is taken yet."""
    clock, ids = SystemClock(), RandomIds()
    state = State(config.state)
    tokens = Tokens(config.secret or state.secret("signing"), clock, ids)
    kept = stores.make(config, state, clock, ids)
    machine = engine.make(config, clock, ids)
    people = user.make(kept, tokens, clock, ids)
    meetings = meeting.make(kept, people, tokens, clock)
    signals = signaling.make(config, kept, people, meetings, tokens, clock, ids)
    analysis = ai.make(config, kept, meetings, machine, clock, ids)
    notices = notification.make(kept, signals, ids)
    hands = workers.make(config, kept, [*people.desks, *meetings.desks], clock, ids)
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
