"""The gRPC ports of this process: one for each of its domains."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import structlog

from meeting.app.assembly.part import Part
from meeting.app.config import Config
from meeting.app.modules import NOTIFICATION, USER
from meeting.app.run import House
from meeting.domains.notification.api import NotificationApi
from meeting.transports.grpc import tls
from meeting.transports.grpc.forward import Forward
from meeting.transports.grpc.gate import Desk
from meeting.transports.grpc.notification import served
from meeting.transports.grpc.server import BODIES_BYTES, Port
from meeting.transports.grpc.service import Rpc
from meeting.transports.http.body import Store
from meeting.transports.http.gate import Desk as Front
from meeting.transports.services import Services

log = structlog.get_logger(__name__)


def make(
    config: Config,
    front: Front,
    services: Services,
    parts: Mapping[str, Part],
    further: NotificationApi,
    house: Callable[[], House],
) -> Mapping[str, Port]:
    """Make a port for each part that has calls; `front` is what the HTTP ports share.

    Notification's are at user's port: its own where it is here, else `further`, who is asked then.
    """
    desk = Desk(
        tokens=front.tokens,
        users=front.users,
        clock=front.clock,
        ids=front.ids,
        limits=front.limits,
        by_user=front.by_user,
        services=services,
    )
    chosen = config.grpc
    shown = tls.server(Path(chosen.certificate), Path(chosen.key)) if chosen.certificate else None
    bodies = Store(max(BODIES_BYTES, chosen.message_bytes))

    def port(name: str, rpcs: Sequence[Rpc]) -> Port:
        return Port(
            rpcs,
            desk,
            chosen.host,
            getattr(chosen, name),
            setting=f"grpc.{name}",
            ready=lambda _: house().status == "ready",
            bodies=bodies,
            message_bytes=chosen.message_bytes,
            connections=chosen.connections,
            streams=chosen.streams,
            drain_seconds=config.http.drain_seconds,
            tls=shown,
        )

    calls = {name: [*part.rpcs] for name, part in parts.items()}
    if USER in calls:
        calls[USER] += calls.pop(NOTIFICATION, ()) or served(Forward(further))
    return {name: port(name, rpcs) for name, rpcs in calls.items()}
