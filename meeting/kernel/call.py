"""The first argument of every use case: who asks, by when, and how deep the chain of calls is."""

import math
from enum import IntEnum

import msgspec

from meeting.kernel.errors import Fault, Kind

MAX_DEPTH = 2
"""A request goes at most this many calls from domain to domain."""


class Role(IntEnum):
    """What an account may do outside meetings."""

    GUEST = 0
    USER = 1
    MODERATOR = 2
    ADMIN = 3
    SUPER = 4


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who asks. A user has an id; a service has a name and may act for a user."""

    user_id: int = 0
    username: str = ""
    role: Role = Role.GUEST
    service: str = ""
    token_id: str = ""
    """The `jti` of the user's token, by which a logout finds what it opened."""
    token_until: int = 0
    """When that token is over by itself, in Unix seconds."""
    address: str = ""
    """The peer's IP address, without port; empty inside the process."""

    @property
    def is_service(self) -> bool:
        """Tell whether another module asks, not a user."""
        return bool(self.service)

    def serves(self) -> None:
        """Refuse whoever is no service."""
        if not self.service:
            raise Fault(Kind.FORBIDDEN, "only services may do this")


class Call(msgspec.Struct, frozen=True, kw_only=True):
    """Identity, deadline, request id and depth; travels on direct calls as it would over a wire."""

    caller: Caller
    request_id: str
    deadline: float = math.inf
    """On `Clock.monotonic`; infinite where a person at a debugger is waited for."""
    depth: int = 0
    key: str = ""
    """The client's `Idempotency-Key`; a repeated call with the same key has no second effect."""

    def onward(self, service: str) -> "Call":
        """Make the call that this one causes in another domain, on behalf of the same user.

        It says of the user no more than a wire carries: role, name, token and address stay here.
        """
        if self.depth >= MAX_DEPTH:
            raise Fault(Kind.INTERNAL, "a request may go {depth} calls deep", depth=MAX_DEPTH)
        caller = Caller(user_id=self.caller.user_id, service=service)
        return msgspec.structs.replace(self, caller=caller, depth=self.depth + 1, key="")
