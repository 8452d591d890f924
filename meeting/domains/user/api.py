"""What other domains may ask the user domain."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from meeting.kernel.call import Call, Role

MOST = 1000
"""Users that one call may ask for."""


class Identity(msgspec.Struct, frozen=True, kw_only=True):
    """Whose token it is, if it is good; otherwise why not. Never an error."""

    valid: bool
    user_id: int = 0
    username: str = ""
    role: Role = Role.GUEST
    error: Literal["", "expired", "revoked", "malformed", "banned"] = ""


class Person(msgspec.Struct, frozen=True, kw_only=True):
    """A user as other domains see it."""

    id: int
    username: str
    email: str
    full_name: str
    status: str
    created_at: datetime | None
    """None where the caller may not see it, like the empty `email` and `status`."""


class UserApi(Protocol):
    """The calls that a service can make, in this process or over a wire."""

    async def validate_token(self, call: Call, token: str) -> Identity:
        """Check an access token or ticket: seal, expiry, revocation, account; never consumes it."""
        ...

    async def get_user(self, call: Call, user_id: int) -> Person:
        """Return one user; `user_not_found` where there is none."""
        ...

    async def get_users_by_ids(self, call: Call, ids: Sequence[int]) -> list[Person]:
        """Return users in the order in which they are asked for, each once; for services alone.

        Who is unknown is left out. More than `MOST` ids are refused as `validation`.
        """
        ...

    async def update_user_status(self, call: Call, user_id: int, status: str) -> None:
        """Set a user's presence: online, away, busy or offline; for services alone."""
        ...
