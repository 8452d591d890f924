"""What the user domain needs from its store."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from meeting.domains.user.model import Claim, Login, NewUser, Refresh, Standing, User
from meeting.kernel.call import Role
from meeting.kernel.page import Found, Page
from meeting.kernel.ports import Unit


class Credentials(Protocol):
    """What was given out to people who logged in, and what of it was ended."""

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


class UserUnit(Unit, Protocol):
    """The rows of the user domain in one unit of work."""

    @property
    def credentials(self) -> Credentials:
        """Return what was given out to people who logged in."""
        ...

    async def add(self, user: NewUser) -> User:
        """Keep a new account under an id of its own; `exists` where name or address is taken."""
        ...

    async def by_id(self, user_id: int, *, lock: bool = False) -> User | None:
        """Return the account with an id; `lock` makes other writers of it wait for the commit."""
        ...

    async def by_ids(self, ids: Collection[int]) -> Sequence[User]:
        """Return the accounts that there are of some ids, in any order."""
        ...

    async def by_login(self, name: str) -> User | None:
        """Return the account with a user name or e-mail address, whatever the case."""
        ...

    async def seen(self, user_id: int, at: datetime) -> None:
        """Remember when an account was last logged in to."""
        ...

    async def appoint(self, user_id: int, role: Role) -> None:
        """Give an account a role."""
        ...

    async def change(self, user: User) -> None:
        """Keep nickname, e-mail, phone and avatar as they are; `exists` where one is taken."""
        ...

    async def add_login(self, user_id: int, login: Login, keep: int) -> None:
        """Write a login down, and forget all of the user's but the newest `keep`."""
        ...

    async def logins(self, user_id: int, page: Page) -> Found[Login]:
        """Return one page of a user's logins, the newest first."""
        ...

    async def standing(self, user_id: int) -> Standing | None:
        """Return a user's presence; others wait until this unit is done with it.

        None where there is no such user.
        """
        ...

    async def stand(self, standing: Standing) -> None:
        """Keep a presence."""
        ...

    async def claim(self, claim: Claim, *, stale: datetime) -> Claim:
        """Take a mail on, unless somebody has since `stale`; return who has it."""
        ...

    async def sent(self, key: str, at: datetime) -> None:
        """Mark a mail as sent."""
        ...
