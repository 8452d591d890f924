"""The domains that are in other processes, and what this one calls them by."""

import asyncio
import math
from collections.abc import Collection, Iterator
from pathlib import Path

import msgspec
import structlog

from meeting.app.config import Config
from meeting.app.module import Module
from meeting.app.modules import AI, MEETING, NOTIFICATION, PEERS, SIGNALING, USER
from meeting.domains.meeting.api import MeetingApi
from meeting.domains.notification.api import NotificationApi
from meeting.domains.signaling.api import SignalingApi
from meeting.domains.user.api import UserApi
from meeting.kernel.call import Call, Caller
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault
from meeting.kernel.ids import Ids
from meeting.kernel.secret import Secret
from meeting.transports.grpc import tls
from meeting.transports.grpc.channel import Channel
from meeting.transports.grpc.health import ASKING, CHECK
from meeting.transports.grpc.meeting import MeetingClient
from meeting.transports.grpc.notification import NotificationClient
from meeting.transports.grpc.signaling import SignalingClient
from meeting.transports.grpc.user import UserClient

log = structlog.get_logger(__name__)

LOOK_SECONDS = 1.0
ASKED = {
    USER: (),
    MEETING: (USER,),
    SIGNALING: (USER, MEETING),
    AI: (USER, MEETING),
    NOTIFICATION: (USER, SIGNALING),
}
"""Whom a domain asks; and every domain's ports ask user whose a token is."""


class Peers(msgspec.Struct, frozen=True):
    """The apis of the domains elsewhere; calling one is what connects to it."""

    module: Module
    user: UserApi
    meeting: MeetingApi
    signaling: SignalingApi
    notification: NotificationApi


def make(config: Config, secret: Secret, here: Collection[str], clock: Clock, ids: Ids) -> Peers:
    """Make the ways to the domains that are not `here`, and look whether they answer."""
    trust = tls.client(Path(config.grpc.authority)) if config.grpc.authority else None
    channels = {
        name: Channel(
            name,
            addresses(config, name),
            secret,
            clock,
            seconds=math.inf if config.debug else config.grpc.call_seconds,
            message_bytes=config.grpc.message_bytes,
            tls=trust,
        )
        for name in (USER, MEETING, SIGNALING, NOTIFICATION)
    }
    wanted = sorted(set(asked(here)) - set(here))
    away = dict.fromkeys(wanted, "nobody has answered yet")

    async def watch() -> None:
        while True:
            for name in wanted:
                try:
                    await channels[name].call(CHECK, _asking(ids), ASKING)
                except Fault as fault:
                    away[name] = str(fault)
                else:
                    if away.pop(name, None) is not None:
                        log.info("peer answers", peer=name)
            await asyncio.sleep(LOOK_SECONDS)

    async def stop() -> None:
        for channel in channels.values():
            await channel.close()

    module = Module(
        PEERS,
        lacks=lambda: "; ".join(f"{name}: {away[name]}" for name in sorted(away)),
        background=[watch] if wanted else [],
        stop=stop,
    )
    return Peers(
        module=module,
        user=UserClient(channels[USER]),
        meeting=MeetingClient(channels[MEETING]),
        signaling=SignalingClient(channels[SIGNALING]),
        notification=NotificationClient(channels[NOTIFICATION]),
    )


def _asking(ids: Ids) -> Call:
    return Call(caller=Caller(service=PEERS), request_id=ids.new())


def asked(here: Collection[str]) -> Iterator[str]:
    """Name the domains that those which are here need an answer from."""
    yield USER
    for name in here:
        yield from ASKED.get(name, ())


def addresses(config: Config, name: str) -> tuple[str, ...]:
    """Return where a domain takes calls: as set, or on this machine."""
    found: tuple[str, ...] = getattr(config.peers, name)
    return found or (f"127.0.0.1:{getattr(config.grpc, name)}",)
