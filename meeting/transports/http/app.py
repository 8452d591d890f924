"""Builds the app of one port out of the routes that it serves."""

import warnings
from collections.abc import Collection, Iterable, Sequence
from typing import cast

from litestar import Litestar, Router
from litestar.di import Provide
from litestar.exceptions.base_exceptions import LitestarDeprecationWarning
from litestar.handlers import ASGIRouteHandler, HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.spec import Components, SecurityScheme
from litestar.routes import HTTPRoute
from litestar.types import Method, Scope
from litestar.types.internal_types import PathParameterDefinition

from meeting import __version__
from meeting.kernel.call import Call
from meeting.kernel.clock import Clock
from meeting.transports import policy
from meeting.transports.http.asgi import App
from meeting.transports.http.envelope import wanted
from meeting.transports.http.errors import handler
from meeting.transports.http.gate import CALL, Desk, Gate
from meeting.transports.match import Table


def build(
    desk: Desk,
    routes: Iterable[HTTPRouteHandler],
    bare: Sequence[HTTPRouteHandler] = (),
    sockets: Sequence[ASGIRouteHandler] = (),
    domains: Collection[policy.Domain] = tuple(policy.Domain),
) -> Gate:
    """Make the app of a port.

    `routes` get the prefix `/api/v1`; `bare` (health, ready, schema) and `sockets` (raw ASGI, which
    check credentials themselves) have none. A route without a row in `policy` is a LookupError, and
    so is one that belongs to none of the `domains` that this port is for.
    """
    with warnings.catch_warnings():
        # Routes name what they want (`call`, `page`, `data`, an id of the path) in the plain way of
        # litestar 2. litestar 3 will want a mark on each; we say litestar<3.
        warnings.simplefilter("ignore", LitestarDeprecationWarning)
        inner = _litestar(routes, bare, sockets, desk.clock)
    return Gate(cast("App", inner), Table(policy.rows(served(inner), domains)), desk)


def _litestar(
    routes: Iterable[HTTPRouteHandler],
    bare: Sequence[HTTPRouteHandler],
    sockets: Sequence[ASGIRouteHandler],
    clock: Clock,
) -> Litestar:
    return Litestar(
        [Router(policy.PREFIX, route_handlers=list(routes)), *bare, *sockets],
        dependencies={
            "call": Provide(_call, sync_to_thread=False),
            "page": Provide(wanted, sync_to_thread=False),
        },
        exception_handlers={Exception: handler(lambda scope: _call(scope).request_id, clock)},
        openapi_config=OpenAPIConfig(
            title="meeting",
            version=__version__,
            render_plugins=[],
            operation_id_creator=_operation,
            path="/schema/own",  # the framework insists on pages; the gate lets nobody there
            security=[{"token": []}],
            components=Components(
                security_schemes={"token": SecurityScheme(type="http", scheme="bearer")}
            ),
        ),
        request_max_body_size=None,  # the gate bounds bodies, by route
        logging_config=None,
    )


def _operation(
    _: HTTPRouteHandler, method: Method, path: list[str | PathParameterDefinition]
) -> str:
    """Name an operation after its whole route, so that no two are called alike."""
    parts = [part if isinstance(part, str) else f"{{{part.name}}}" for part in path]
    return f"{method.upper()} /{'/'.join(parts)}"


def served(app: Litestar) -> list[policy.Route]:
    """List the routes of an app: what a client can ask for, without what the framework adds."""
    return [
        (method, route.path_format)
        for route in app.routes
        if isinstance(route, HTTPRoute) and not route.path.startswith("/schema/")
        for method in sorted(route.methods)
        if method != "OPTIONS"
    ]


def _call(scope: Scope) -> Call:
    """Find the call that the gate made."""
    call: Call = scope[CALL]  # type: ignore[literal-required]
    return call
