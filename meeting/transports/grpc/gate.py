"""What every call passes before its body is read: credential, rate, row of the policy, time.

A call that does not exist is one for which somebody needs a credential, too.
"""

import re
from collections.abc import Mapping

import msgspec
from grpclib.metadata import decode_timeout

from meeting.domains.user.api import UserApi
from meeting.kernel.call import MAX_DEPTH, Call, Caller
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind, invalid
from meeting.kernel.ids import Ids
from meeting.kernel.token import Tokens, bearer
from meeting.transports.http.limits import Limits, Window
from meeting.transports.policy import Load, Rule, Who
from meeting.transports.services import Services

_REQUEST = re.compile(r"[!-~]{1,64}")
_TIMEOUT = re.compile(r"[0-9]{1,8}[HMSmun]")
UNKNOWN = Rule(Who.BOTH)


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """What the gates of all gRPC ports share."""

    tokens: Tokens
    users: UserApi
    clock: Clock
    ids: Ids
    limits: Limits
    by_user: Window
    """The same as at the HTTP ports: a user's requests count together."""
    services: Services


class Gate:
    """Says who calls, or that they may not."""

    def __init__(self, desk: Desk, rules: Mapping[str, Rule]) -> None:
        self._desk = desk
        self.rules = rules
        """The rows of this port, which a test compares with the whole policy."""

    async def admit(self, path: str, headers: Mapping[str, str], address: str) -> Call:
        """Check a call's head, in the contract's order, and return who calls and by when."""
        desk = self._desk
        rule = self.rules.get(path, UNKNOWN)
        token = bearer(headers.get("authorization", ""))
        if token is not None and desk.services.trusted(token, address):
            caller, request_id, depth = self._service(headers, address)
        else:
            caller, request_id, depth = Caller(address=address), desk.ids.new(), 0
            if rule.who is not Who.OPEN:
                caller = await self._user(token, caller, request_id)
                desk.by_user.spend(str(caller.user_id))
        if path not in self.rules:
            raise Fault(
                Kind.METHOD_NOT_ALLOWED, "there is no such call here; reflection lists them"
            )
        if rule.who is Who.SERVICE and not caller.is_service:
            raise Fault(Kind.FORBIDDEN, "only services may do this")
        return Call(
            caller=caller,
            request_id=request_id,
            deadline=desk.clock.monotonic() + self.seconds(rule.load, headers),
            depth=depth,
        )

    def seconds(self, load: Load, headers: Mapping[str, str]) -> float:
        """Return how long a call may take: what its kind has, or what the caller will wait."""
        longest = self._desk.limits.seconds(load)
        if (wanted := headers.get("grpc-timeout")) is None:
            return longest
        if _TIMEOUT.fullmatch(wanted) is None:
            raise invalid("grpc-timeout", "must be 1 to 8 digits and one of H M S m u n")
        return min(longest, decode_timeout(wanted))

    def _service(self, headers: Mapping[str, str], address: str) -> tuple[Caller, str, int]:
        """Believe what a service says of its call, where it can be true."""
        caller = self._desk.services.caller(headers, address)
        request_id = headers.get("x-request-id") or self._desk.ids.new()
        if _REQUEST.fullmatch(request_id) is None:
            raise invalid("x-request-id", "must be 1 to 64 printable characters without space")
        depth = headers.get("x-depth", "0")
        if depth not in {str(each) for each in range(MAX_DEPTH + 1)}:
            raise invalid("x-depth", f"must be 0 to {MAX_DEPTH}")
        return caller, request_id, int(depth)

    async def _user(self, token: str | None, caller: Caller, request_id: str) -> Caller:
        if token is None:
            raise Fault(Kind.UNAUTHENTICATED, "a token is needed: authorization: Bearer …")
        claims = self._desk.tokens.open(token, "access")
        asking = Call(caller=caller, request_id=request_id)
        identity = await self._desk.users.validate_token(asking, token)
        if not identity.valid:
            kind = Kind.TOKEN_EXPIRED if identity.error == "expired" else Kind.UNAUTHENTICATED
            raise Fault(kind, "the token is no longer good; log in again")
        return msgspec.structs.replace(
            caller,
            user_id=identity.user_id,
            username=identity.username,
            role=identity.role,
            token_id=claims.jti,
            token_until=claims.exp,
        )
