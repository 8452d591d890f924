"""The user domain as other domains see it: satisfies `UserApi`."""

from collections.abc import Sequence

from meeting.domains.user.api import MOST, Identity, Person
from meeting.domains.user.model import Presence, Status
from meeting.domains.user.ports import UserUnit
from meeting.domains.user.presence import Presences
from meeting.kernel.call import Call
from meeting.kernel.errors import Fault, Kind, invalid
from meeting.kernel.ids import MAX_ID
from meeting.kernel.ports import Units
from meeting.kernel.token import Tokens


class UserService:
    """Answers who a token belongs to, and who a user is."""

    def __init__(self, units: Units[UserUnit], tokens: Tokens, presences: Presences) -> None:
        self._units = units
        self._tokens = tokens
        self._presences = presences

    async def validate_token(self, call: Call, token: str) -> Identity:
        """Check an access token or ticket: seal, expiry, revocation, account; never consumes it."""
        try:
            claims = self._tokens.open(token, "access", "ticket")
        except Fault as fault:
            over = fault.kind is Kind.TOKEN_EXPIRED
            return Identity(valid=False, error="expired" if over else "malformed")
        async with self._units.read() as unit:
            user = await unit.by_id(claims.user_id)
            dead = await unit.credentials.revoked(
                [jti for jti in (claims.jti, claims.parent) if jti]
            )
        if user is not None and user.status is Status.BANNED:
            return Identity(valid=False, error="banned")
        if user is None or dead or user.status is not Status.ACTIVE:
            return Identity(valid=False, error="revoked")
        return Identity(valid=True, user_id=user.id, username=user.username, role=user.role)

    async def get_user(self, call: Call, user_id: int) -> Person:
        """Return one user; `user_not_found` where there is none."""
        async with self._units.read() as unit:
            user = await unit.by_id(user_id) if 1 <= user_id <= MAX_ID else None
        if user is None:
            raise Fault(Kind.USER_NOT_FOUND, "there is no such user")
        return user.shown_to(call.caller)

    async def get_users_by_ids(self, call: Call, ids: Sequence[int]) -> list[Person]:
        """Return users in the order in which they are asked for, each once; for services alone."""
        call.caller.serves()
        if len(ids) > MOST:
            raise invalid("user_ids", f"may be {MOST} at a time")
        wanted = [user_id for user_id in dict.fromkeys(ids) if 1 <= user_id <= MAX_ID]
        async with self._units.read() as unit:
            known = {user.id: user for user in await unit.by_ids(wanted)}
        return [known[each].shown_to(call.caller) for each in wanted if each in known]

    async def update_user_status(self, call: Call, user_id: int, status: str) -> None:
        """Set a user's presence: online, away, busy or offline; for services alone."""
        call.caller.serves()
        try:
            wanted = Presence(status)
        except ValueError:
            raise invalid("status", "must be online, away, busy or offline") from None
        if not 1 <= user_id <= MAX_ID:
            raise Fault(Kind.USER_NOT_FOUND, "there is no such user")
        await self._presences.set(user_id, wanted)
