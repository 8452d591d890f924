"""A process that does background tasks and nothing else, beside a server."""

from collections.abc import Sequence

import structlog

from meeting.app.assembly import desk, meeting, stores, user, workers
from meeting.app.config import Config
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
