"""What the gates of all HTTP ports of a process share: credentials, limits, kept answers."""

import math

from meeting.app.assembly.stores import Stores
from meeting.app.config import Config
from meeting.app.state import State
from meeting.domains.user.api import UserApi
from meeting.kernel.clock import Clock
from meeting.kernel.ids import Ids
from meeting.kernel.token import Tokens
from meeting.transports.http.body import Store
from meeting.transports.http.gate import Desk
from meeting.transports.http.idempotency import Once
from meeting.transports.http.limits import Limits, Window
from meeting.transports.services import Services


def make(
    config: Config,
    kept: Stores,
    users: UserApi,
    tokens: Tokens,
    services: Services,
    bounds: Limits,
    clock: Clock,
    ids: Ids,
) -> Desk:
    """Make the desk."""
    return Desk(
        tokens=tokens,
        services=services,
        users=users,
        clock=clock,
        ids=ids,
        limits=bounds,
        once=Once(kept.answers, tokens, clock, ids),
        by_user=Window(bounds.per_user, clock),
        by_address=Window(bounds.per_address, clock),
        bodies=Store(bounds.bodies_bytes),
        origins=config.http.origins,
    )


def known(config: Config, state: State) -> Services:
    """Return by what services are known: the secret that is set, or one that is made here."""
    chosen = config.grpc.secret
    near = not chosen.reveal()
    return Services(state.secret("service") if near else chosen, near)


def limits(config: Config) -> Limits:
    """Return what requests are bounded by; where a person at a debugger is waited for, less so."""
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
