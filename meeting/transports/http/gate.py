"""What every request passes before its route, in the contract's order of checks.

Request id, credential, rate, size, form of the body; then, for a POST with `Idempotency-Key`, the
first answer if there is one. The gate finds the row of a path by itself, before any framework
looks at it, so that nothing is read from whoever may not knock.
"""

import asyncio
import math
from collections.abc import Collection, Mapping

import msgspec
import structlog

from meeting.domains.user.api import UserApi
from meeting.kernel.call import Call, Caller
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.ids import Ids
from meeting.kernel.replay import Slot
from meeting.kernel.token import Claims, Tokens, bearer
from meeting.transports.http import body, forwarded
from meeting.transports.http.asgi import App, Receive, Scope, Send
from meeting.transports.http.errors import fault_of
from meeting.transports.http.exchange import HARMLESS, Exchange
from meeting.transports.http.idempotency import Once, key_of
from meeting.transports.http.limits import Limits, Window, neighbourhood
from meeting.transports.match import Match, Table
from meeting.transports.origin import admitted
from meeting.transports.policy import PREFIX, Rule, Who
from meeting.transports.services import Services

log = structlog.get_logger("meeting.access")

CALL = "meeting.call"
"""Where in an ASGI scope the `Call` of a request lies."""
PROBES = frozenset({"/health", "/ready"})
"""Routes that somebody asks every second, and of which nobody wants a line."""
DIGITS = 9
BODIED = ("POST", "PUT", "PATCH", "DELETE")


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """What the gates of all ports share: credentials, limits, kept answers."""

    tokens: Tokens
    services: Services
    users: UserApi
    clock: Clock
    ids: Ids
    limits: Limits
    once: Once
    by_user: Window
    by_address: Window
    bodies: body.Store
    origins: Collection[str] = ()
    """Web pages of other hosts that may call us: the setting `http.origins`."""
    closing: asyncio.Event = msgspec.field(default_factory=asyncio.Event)
    """Set once the process ends: connections that are still there bring no new work."""


class Gate:
    """The ASGI app of one port: checks a request, gives it its `Call`, hands it to the routes."""

    def __init__(self, routes: App, table: Table, desk: Desk) -> None:
        self._routes = routes
        self.table = table
        """The rows of this port, which a test compares with the whole policy."""
        self._desk = desk

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; sockets pass, their adapter has a gate of its own."""
        if scope["type"] != "http":
            await self._routes(scope, receive, send)
            return
        desk = self._desk
        exchange = Exchange(scope, send, desk.ids, desk.clock)
        began = desk.clock.monotonic()
        with structlog.contextvars.bound_contextvars(request_id=exchange.request_id):
            try:
                await self._admit(scope, receive, exchange)
            except asyncio.CancelledError:
                # The server stops and has waited long enough. Its task ends here in any case.
                if not exchange.status:
                    await exchange.fail(Fault(Kind.UNAVAILABLE, "the server stops; try again"))
            except Exception as error:
                # Whatever broke, the caller hears of it in the contract's form, and the log too.
                fault = fault_of(error)
                if exchange.status:
                    raise
                await exchange.fail(
                    fault, None if exchange.finished or harmless(exchange) else receive
                )
            finally:
                say = log.debug if exchange.template in PROBES else log.info
                say(
                    "request",
                    user_id=exchange.user_id,
                    **exchange.meeting,
                    method=scope["method"],
                    path=exchange.template,
                    status=exchange.status,
                    ms=round((desk.clock.monotonic() - began) * 1000, 1),
                )

    async def _admit(self, scope: Scope, receive: Receive, exchange: Exchange) -> None:
        """Check everything that can be checked before the body."""
        desk, method, headers = self._desk, scope["method"], exchange.headers
        path = scope["path"].rstrip("/") or "/"
        match = self.table.find(path)
        exchange.template = match.template
        origin = headers.get("origin")
        welcome = admitted(origin, headers.get("host", ""), desk.origins)
        if welcome and origin is not None:
            exchange.origin = origin.encode("latin-1")
        if method == "OPTIONS" and origin and "access-control-request-method" in headers:
            await _preflight(exchange, match)
            return
        if desk.closing.is_set() and match.template.startswith(PREFIX):
            raise Fault(Kind.UNAVAILABLE, "the server stops; try again")
        peer = scope["client"][0] if scope["client"] else ""
        address = forwarded.client(headers, peer, desk.tokens)
        caller = Caller(address=address)
        if not match.open:
            caller = await self._identify(exchange, address, match.rules.get(method))
            exchange.user_id = caller.user_id
            if not caller.is_service:
                desk.by_user.spend(str(caller.user_id))
        rule = match.rule(method)
        if rule.auth:
            desk.by_address.spend(neighbourhood(address))
        if not welcome:
            raise Fault(
                Kind.FORBIDDEN, "pages of this origin may not call us; see the setting http.origins"
            )
        scope["path"] = path
        with structlog.contextvars.bound_contextvars(user_id=caller.user_id):
            await self._read(scope, receive, exchange, (rule, match, caller))

    async def _identify(self, exchange: Exchange, address: str, rule: Rule | None) -> Caller:
        desk = self._desk
        if rule is not None and serves(rule, exchange.headers, address, desk.services):
            return desk.services.caller(exchange.headers, address)
        token, claims = presented(exchange.headers, desk.tokens)
        asking = Call(caller=Caller(address=address), request_id=exchange.request_id)
        identity = await desk.users.validate_token(asking, token)
        if not identity.valid:
            kind = Kind.TOKEN_EXPIRED if identity.error == "expired" else Kind.UNAUTHENTICATED
            raise Fault(kind, "the token is no longer good; log in again")
        return Caller(
            user_id=identity.user_id,
            username=identity.username,
            role=identity.role,
            token_id=claims.jti,
            token_until=claims.exp,
            address=address,
        )

    async def _read(
        self,
        scope: Scope,
        receive: Receive,
        exchange: Exchange,
        found: tuple[Rule, Match, Caller],
    ) -> None:
        """Take the body in, look at its form, and make the call."""
        rule, match, caller = found
        desk, headers = self._desk, exchange.headers
        content = b""
        with desk.bodies.room() as room:
            if scope["method"] in BODIED:
                limit = desk.limits.size(rule.load)
                body.declared(headers.get("content-length"), limit)
                content = await body.read(receive, limit, desk.limits.body_seconds, room)
                exchange.finished = True
                body.check(content)
            match.check()
            if "meeting_id" in match.values:
                exchange.meeting = {"meeting_id": int(match.values["meeting_id"])}
            keyed = scope["method"] == "POST" and not caller.is_service
            key = key_of(headers.get("idempotency-key")) if keyed else ""
            seconds = desk.limits.seconds(rule.load)
            scope[CALL] = Call(
                caller=caller,
                request_id=exchange.request_id,
                deadline=desk.clock.monotonic() + seconds,
                key=key if caller.user_id else "",
            )
            given = body.replay(content, receive)

            async def act(send: Send) -> None:
                await self._act(scope, given, send, seconds)

            if key and caller.user_id:
                slot = Slot(caller.user_id, scope["path"], key)
                await desk.once.run(slot, content, act, exchange.send)
            else:
                await act(exchange.send)

    async def _act(self, scope: Scope, receive: Receive, send: Send, seconds: float) -> None:
        """Run the route within its time."""
        limit = asyncio.timeout(None if math.isinf(seconds) else seconds)
        try:
            async with limit:
                await self._routes(scope, receive, send)
        except TimeoutError as error:
            if not limit.expired():
                raise
            raise Fault(Kind.DEADLINE, "this took too long and was stopped; try again") from error


def serves(rule: Rule, headers: Mapping[str, str], address: str, services: Services) -> bool:
    """Tell whether a service asks, on a route where services may."""
    token = bearer(headers.get("authorization", ""))
    return rule.who is Who.BOTH and token is not None and services.trusted(token, address)


def presented(headers: Mapping[str, str], tokens: Tokens) -> tuple[str, Claims]:
    """Return the token that a request brings along, as far as it is one of ours and not over.

    Whether it was revoked is not known from the token.
    """
    token = bearer(headers.get("authorization", ""))
    if token is None:
        raise Fault(Kind.UNAUTHENTICATED, "a token is needed: Authorization: Bearer …")
    return token, tokens.open(token, "access")


def harmless(exchange: Exchange) -> bool:
    """Tell whether an unread body is no longer than what the server swallows by the way."""
    length = exchange.headers.get("content-length", "0")
    return "transfer-encoding" not in exchange.headers and (
        length.isascii() and length.isdigit() and len(length) <= DIGITS and int(length) <= HARMLESS
    )


async def _preflight(exchange: Exchange, match: Match) -> None:
    """Answer a browser's question whether a page may call; without our origin header it may not."""
    headers = [(b"content-length", b"0")]
    if exchange.origin:
        headers += [
            (b"access-control-allow-methods", ", ".join(sorted(match.rules)).encode()),
            (
                b"access-control-allow-headers",
                b"Authorization, Content-Type, X-Request-ID, Idempotency-Key, Accept-Language",
            ),
            (b"access-control-max-age", b"600"),
        ]
    status = 204 if exchange.origin else 403
    await exchange.send({"type": "http.response.start", "status": status, "headers": headers})
    await exchange.send({"type": "http.response.body", "body": b"", "more_body": False})
