"""A domain as the house fits it in, whichever it is."""

from collections.abc import Sequence

import msgspec
from litestar.handlers import HTTPRouteHandler

from meeting.app.assembly.workers import Desk
from meeting.app.module import Module
from meeting.transports.grpc.service import Rpc


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What a process does for a domain that is in it."""

    module: Module
    routes: Sequence[HTTPRouteHandler] = ()
    """Its HTTP routes, without prefix."""
    rpcs: Sequence[Rpc] = ()
    """Its gRPC service."""
    desks: Sequence[Desk] = ()
    """Its queue and who handles what comes out of it."""
