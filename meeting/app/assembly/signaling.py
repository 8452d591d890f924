"""The signaling domain."""

import math

import msgspec

from meeting.app.assembly.part import Part
from meeting.app.assembly.stores import Stores
from meeting.app.config import DAY, Config
from meeting.app.module import Module
from meeting.app.modules import SIGNALING
from meeting.domains.meeting.api import MeetingApi
from meeting.domains.signaling.model import Limits, Timings
from meeting.domains.signaling.service import Signaling
from meeting.domains.user.api import UserApi
from meeting.kernel.clock import Clock
from meeting.kernel.ids import Ids
from meeting.kernel.token import Tokens
from meeting.stores.relational.signaling import SqlSignalingUnit
from meeting.transports.grpc.signaling import served
from meeting.transports.http import signaling as signaling_routes
from meeting.transports.http.envelope import Envelopes


class Signals(msgspec.Struct, frozen=True):
    """The signaling domain of this process."""

    part: Part
    service: Signaling


def make(
    config: Config,
    kept: Stores,
    users: UserApi,
    meetings: MeetingApi,
    tokens: Tokens,
    clock: Clock,
    ids: Ids,
) -> Signals:
    """Make the signaling domain."""
    service = Signaling(
        units=kept.rows.units(SqlSignalingUnit),
        sole=kept.sole,
        tail=kept.tail(),
        post=kept.post,
        tokens=tokens,
        user=users,
        meeting=meetings,
        clock=clock,
        ids=ids,
        limits=_limits(config),
        timings=_timings(config),
        ice_urls=config.signaling.ice_urls,
    )
    background = list(service.background())
    if kept.post is not None and (remote := service.remote) is not None:
        post = kept.post
        background += [post.write, lambda: post.read(remote.take, remote.lost)]
    module = Module(
        SIGNALING,
        start=service.start,
        prepare=service.prepare,
        background=background,
    )
    routes = signaling_routes.routes(service.tickets, Envelopes(clock))
    part = Part(module=module, routes=routes, rpcs=served(service.broadcasts))
    return Signals(part=part, service=service)


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
