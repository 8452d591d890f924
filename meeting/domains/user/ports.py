"""What the user domain needs from its store."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from meeting.domains.user.model import NewUser, Refresh, User
from meeting.kernel.call import Role
from meeting.kernel.ports import Unit


class UserUnit(Unit, Protocol):
    """The rows of the user domain in one unit of work."""

    async def add(self, user: NewUser) -> User:
        """Keep a new account under an id of its own; `exists` where name or address is taken."""
        ...

    async def by_id(self, user_id: int) -> User | None:
        """Return the account with an id."""
        ...

    async def by_login(self, name: str) -> User | None:
        """Return the account with a user name or e-mail address, whatever the case."""
        ...

    async def seen(self, user_id: int, at: datetime) -> None:
        """Remember when an account was last logged in to."""
        ...

    async def appear(self, user_id: int, status: str, at: datetime) -> str:
        """Keep a user's presence and return the one before; offline where there was none."""
        ...

    async def appoint(self, user_id: int, role: Role) -> None:
        """Give an account a role."""
        ...

    async def add_refresh(self, refresh: Refresh) -> None:
        """Keep a refresh token."""
        ...

    async def refresh(self, digest: str) -> Refresh | None:
        """Return a refresh token, also a used one; others wait until this unit is done with it."""
        ...

    async def spend(self, digest: str) -> None:
        """Mark a refresh token as used."""
        ...

    async def family_of(self, jti: str) -> str | None:
        """Return the family that an access token belongs to."""
        ...

    async def end_family(self, family: str) -> Sequence[Refresh]:
        """Mark a whole family as used, and return it."""
        ...

    async def revoke(self, jti: str, user_id: int, until: datetime) -> bool:
        """End an access token before its time; False where it was ended before."""
        ...

    async def revoked(self, jtis: Collection[str]) -> bool:
        """Tell whether any of these tokens was ended."""
        ...

    async def sweep(self, user_id: int, now: datetime) -> None:
        """Forget a user's tokens and revocations that are over by themselves."""
        ...
