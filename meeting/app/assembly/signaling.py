"""The signaling domain."""

import math

import msgspec

from meeting.app.assembly.meeting import Meetings
from meeting.app.assembly.stores import Stores
from meeting.app.assembly.user import People
from meeting.app.config import DAY, Config
from meeting.app.module import Module
from meeting.app.modules import SIGNALING
from meeting.domains.signaling.model import Limits, Timings
from meeting.domains.signaling.service import Signaling
from meeting.kernel.clock import Clock
from meeting.kernel.ids import Ids
from meeting.kernel.token import Tokens
from meeting.stores.relational.signaling import SqlSignalingUnit


class Signals(msgspec.Struct, frozen=True):
    """The signaling domain's face."""

    module: Module
    service: Signaling


def make(
    config: Config,
    kept: Stores,
    users: People,
    meetings: Meetings,
    tokens: Tokens,
    clock: Clock,
    ids: Ids,
) -> Signals:
    """Make the signaling domain."""
    service = Signaling(
        units=kept.rows.units(SqlSignalingUnit),
        feed=kept.log,
        tokens=tokens,
        user=users.service,
        meeting=meetings.service,
        clock=clock,
        ids=ids,
        limits=_limits(config),
        timings=_timings(config),
        ice_urls=config.signaling.ice_urls,
    )
    module = Module(
        SIGNALING,
        start=service.start,
        prepare=service.prepare,
        background=service.background(),
    )
    return Signals(module=module, service=service)


def _limits(config: Config) -> Limits:
    chosen = config.signaling
    return Limits(
        frame_bytes=chosen.frame_bytes,
        frames_per_second=chosen.frames_per_second,
        queue_frames=chosen.queue_frames,
        queue_bytes=chosen.queue_bytes,
        sockets=chosen.max_sockets,
    )


def _timings(config: Config) -> Timings:
    chosen = config.signaling
    if config.debug:
        return Timings(grace=DAY, silence=DAY, call=math.inf)
    return Timings(
        grace=chosen.grace_seconds,
        ping=chosen.ping_seconds,
        silence=chosen.silence_seconds,
        call=chosen.call_seconds,
    )
