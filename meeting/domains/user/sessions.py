"""Credentials: given out at login, renewed by refresh, ended by logout."""

import msgspec
import structlog

from meeting.domains.user.events import UserLoggedIn, UserRevoked
from meeting.domains.user.model import REFRESH_LIFE, Refresh, Status, User, digest
from meeting.domains.user.ports import UserUnit
from meeting.domains.user.tasks import UserLogin
from meeting.kernel.call import Call
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.ids import Ids
from meeting.kernel.password import Passwords
from meeting.kernel.ports import Units
from meeting.kernel.token import ACCESS_LIFE, Tokens

log = structlog.get_logger(__name__)


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """What a client holds after a login or a refresh."""

    user: User
    token: str
    refresh_token: str
    expires_in: int = int(ACCESS_LIFE.total_seconds())
    """Seconds that the token is good for."""

    def __repr__(self) -> str:
        return f"Session(user={self.user.id}, …)"


class Sessions:
    """The use cases on credentials."""

    def __init__(
        self,
        units: Units[UserUnit],
        passwords: Passwords,
        tokens: Tokens,
        clock: Clock,
        ids: Ids,
    ) -> None:
        self._units = units
        self._passwords = passwords
        self._tokens = tokens
        self._clock = clock
        self._ids = ids

    async def login(self, call: Call, name: str, password: str) -> Session:
        """Check a user name (or e-mail address) and password, and begin a family of tokens.

        `bad_credentials` alike for an unknown name and for a wrong password; `forbidden` for an
        account that may not be used, told only to who knows its password.
        """
        async with self._units.read() as unit:
            user = await unit.by_login(name)
        known = None if user is None else user.password_hash.reveal()
        fits = await self._passwords.verify(known, password)
        if user is None or not fits:
            log.info("login refused", address=call.caller.address)
            raise Fault(Kind.BAD_CREDENTIALS, "the name or the password is wrong")
        user.enter()
        async with self._units.write() as unit:
            now = self._clock.now()
            await unit.credentials.sweep(user.id, now)
            await unit.seen(user.id, now)
            user = msgspec.structs.replace(user, last_login=now)
            address = call.caller.address
            unit.append(
                UserLoggedIn(
                    user_id=user.id, username=user.username, login_time=now, ip_address=address
                )
            )
            unit.enqueue(
                UserLogin(
                    user_id=user.id, username=user.username, ip_address=address, login_time=now
                )
            )
            return await self._issue(unit, user, family=self._ids.new())

    async def refresh(self, call: Call, token: str) -> Session:
        """Trade a refresh token for new credentials.

        A second use means that somebody else has it: the whole family ends, and the caller gets
        `unauthenticated` like everybody whose token is none of ours.
        """
        async with self._units.write() as unit:
            found = await unit.credentials.refresh(digest(token))
            user = None if found is None else await unit.by_id(found.user_id)
            if found is not None and found.used:
                log.warning(
                    "refresh token used twice", account=found.user_id, address=call.caller.address
                )
                await self._end(unit, found.family)
            elif (
                found is not None
                and user is not None
                and user.status is Status.ACTIVE
                and self._clock.now() < found.expires_at
            ):
                await unit.credentials.spend(found.digest)
                await unit.credentials.sweep(user.id, self._clock.now())
                return await self._issue(unit, user, family=found.family)
        raise Fault(Kind.UNAUTHENTICATED, "the refresh token is not good; log in again")

    async def logout(self, call: Call, refresh_token: str | None) -> None:
        """End the caller's token and every token of its family; what they opened is closed."""
        caller = call.caller
        async with self._units.write() as unit:
            families = {await unit.credentials.family_of(caller.token_id)}
            if refresh_token is not None:
                given = await unit.credentials.refresh(digest(refresh_token))
                if given is not None and given.user_id == caller.user_id:
                    families.add(given.family)
            for family in sorted(families - {None}, key=str):
                await self._end(unit, str(family))
            await self._revoke(unit, caller.token_id, caller.user_id)

    async def _issue(self, unit: UserUnit, user: User, family: str) -> Session:
        token, claims = self._tokens.access(user.id, user.username, user.email)
        refresh_token = self._ids.new() + self._ids.new()
        now = self._clock.now()
        await unit.credentials.add_refresh(
            Refresh(
                digest=digest(refresh_token),
                user_id=user.id,
                family=family,
                jti=claims.jti,
                access_until=now + ACCESS_LIFE,
                expires_at=now + REFRESH_LIFE,
            )
        )
        return Session(user=user, token=token, refresh_token=refresh_token)

    async def _end(self, unit: UserUnit, family: str) -> None:
        now = self._clock.now()
        for member in await unit.credentials.end_family(family):
            if now < member.access_until:
                await self._revoke(unit, member.jti, member.user_id)

    async def _revoke(self, unit: UserUnit, jti: str, user_id: int) -> None:
        """End one access token and say so, once."""
        if await unit.credentials.revoke(jti, user_id, self._clock.now() + ACCESS_LIFE):
            unit.append(UserRevoked(user_id=user_id, reason="logout", jti=jti))
