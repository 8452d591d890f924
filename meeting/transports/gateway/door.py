"""What every request to the gateway passes, before and after it is with the owner of its route."""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from urllib.parse import unquote

import msgspec
import structlog
from aiohttp import web

from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.ids import Ids
from meeting.kernel.token import Tokens
from meeting.transports.gateway import headers
from meeting.transports.gateway.bounds import Bounds
from meeting.transports.gateway.forward import Passage
from meeting.transports.gateway.line import threshold
from meeting.transports.gateway.own import Figures, Own
from meeting.transports.gateway.owners import Owners
from meeting.transports.gateway.sockets import Sockets
from meeting.transports.gateway.table import Table, load
from meeting.transports.http import body
from meeting.transports.http.asgi import Receive
from meeting.transports.http.bridge import Bridged
from meeting.transports.http.errors import fault_of
from meeting.transports.http.exchange import Exchange
from meeting.transports.http.forwarded import vouched
from meeting.transports.http.gate import PROBES, harmless, presented, serves
from meeting.transports.match import Match
from meeting.transports.origin import admitted
from meeting.transports.policy import BARE, SOCKETS, USER, Domain, Who
from meeting.transports.services import Services

log = structlog.get_logger("meeting.access")

OWN = frozenset(path for _, path in BARE)


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """What a request may need on its way."""

    owners: Owners
    sockets: Sockets
    own: Own
    figures: Figures
    bounds: Bounds
    tokens: Tokens
    services: Services
    clock: Clock
    ids: Ids
    origins: Collection[str] = ()
    closing: asyncio.Event = msgspec.field(default_factory=asyncio.Event)
    """Set once the process ends: connections that are still there bring no new work."""


class Door:
    """Serves one request after the other."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._table = Table()

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        """Serve a request; one log line tells of it, without its query."""
        desk = self._desk
        bridged = Bridged(request)
        scope = {"headers": [(name.lower(), value) for name, value in request.raw_headers]}
        exchange = Exchange(scope, bridged.send, desk.ids, desk.clock)
        began = desk.clock.monotonic()
        path = unquote(request.raw_path.partition("?")[0]).rstrip("/") or "/"
        match = self._table.find(path)
        exchange.template = path if path in SOCKETS else match.template
        domain = self._table.owner(path, match)
        owner = "gateway" if match.template in OWN else str(domain)
        with structlog.contextvars.bound_contextvars(request_id=exchange.request_id):
            try:
                return await self._serve(request, bridged, exchange, path, match, domain)
            except ConnectionError:
                return bridged.response  # the client has gone: there is nobody to tell
            except Exception as error:
                # Whatever broke, the caller hears of it in the contract's form, and the log too.
                fault = fault_of(error)
                if exchange.status:
                    raise
                with suppress(ConnectionError):
                    await exchange.fail(fault, _unread(exchange, bridged))
                return bridged.response
            finally:
                if (line := threshold(request)) is not None:
                    line.answered()
                desk.figures.told(owner, exchange.status)
                say = log.debug if exchange.template in PROBES else log.info
                say(
                    "request",
                    owner=owner,
                    method=request.method,
                    path=exchange.template,
                    status=exchange.status,
                    ms=round((desk.clock.monotonic() - began) * 1000, 1),
                )

    async def _serve(
        self,
        request: web.BaseRequest,
        bridged: Bridged,
        exchange: Exchange,
        path: str,
        match: Match,
        domain: Domain,
    ) -> web.StreamResponse:
        desk = self._desk
        origin, host = exchange.headers.get("origin"), exchange.headers.get("host", "")
        if origin is not None and admitted(origin, host, desk.origins):
            exchange.origin = origin.encode("latin-1")
        try:
            headers.check(request.headers, request.raw_path, request.version)
        except Fault as fault:
            # Where this request ends is in doubt, and so is what comes after it on the connection.
            await exchange.fail(fault, bridged.receive)
            return bridged.response
        peer = request.remote or ""
        if path in OWN:
            match.rule(request.method)
            await desk.own.answer(path, peer, exchange)
            return bridged.response
        if desk.closing.is_set():
            raise Fault(Kind.UNAVAILABLE, "the server stops; try again")
        ours = {
            **vouched(peer, desk.tokens),
            "X-Forwarded-Proto": request.scheme,
            "X-Forwarded-Host": host,
            "X-Request-ID": exchange.request_id,
        }
        if path in SOCKETS and desk.sockets.wanted(request):
            sent = headers.handshake(request.headers, ours)
            return await desk.sockets.serve(request, exchange, domain, sent)
        self._check(request, exchange, match)
        passage = Passage(request, bridged, exchange, domain)
        sent = headers.request(request.headers, ours)
        return await passage.run(desk.owners, desk.bounds, load(match, request.method), sent)

    def _check(self, request: web.BaseRequest, exchange: Exchange, match: Match) -> None:
        """Refuse a body that says itself that it is too long; but first who may not send any."""
        desk, method = self._desk, request.method
        limit = desk.bounds.owners.size(load(match, method))
        try:
            body.declared(exchange.headers.get("content-length"), limit)
        except Fault:
            rule, peer = match.rules.get(method, USER), request.remote or ""
            if rule.who is not Who.OPEN and not serves(rule, exchange.headers, peer, desk.services):
                presented(exchange.headers, desk.tokens)
            raise


def _unread(exchange: Exchange, bridged: Bridged) -> Receive | None:
    """Return what reads the rest of a body, where there is more than the server swallows."""
    return None if exchange.finished or harmless(exchange) else bridged.receive
