"""Accounts: made, shown, and raised to a role."""

import msgspec
import structlog

from meeting.domains.user.events import UserRegistered
from meeting.domains.user.model import NewUser, User, taken
from meeting.domains.user.ports import UserUnit
from meeting.domains.user.tasks import UserRegister
from meeting.kernel.call import Call, Role
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.password import Passwords
from meeting.kernel.ports import Units
from meeting.kernel.secret import Secret

log = structlog.get_logger(__name__)


class Registration(msgspec.Struct, frozen=True, kw_only=True):
    """What somebody says about themselves; the form is checked at the edge."""

    username: str
    email: str
    password: Secret
    nickname: str = ""
    phone: str = ""


class Accounts:
    """The use cases on accounts."""

    def __init__(self, units: Units[UserUnit], passwords: Passwords, clock: Clock) -> None:
        self._units = units
        self._passwords = passwords
        self._clock = clock

    async def register(self, call: Call, wanted: Registration) -> User:
        """Make an account; `exists` with the field that is taken."""
        async with self._units.read() as unit:
            # Looked up before the costly hash; the store has the last word when it is written.
            for field in ("username", "email"):
                if await unit.by_login(getattr(wanted, field)) is not None:
                    raise taken(field)
        hashed = await self._passwords.hash(wanted.password.reveal())
        async with self._units.write() as unit:
            user = await unit.add(
                NewUser(
                    username=wanted.username,
                    email=wanted.email,
                    password_hash=Secret(hashed),
                    nickname=wanted.nickname,
                    phone=wanted.phone,
                    created_at=self._clock.now(),
                )
            )
            unit.append(
                UserRegistered(
                    user_id=user.id,
                    username=user.username,
                    email=user.email,
                    registered_at=user.created_at,
                )
            )
            unit.enqueue(
                UserRegister(user_id=user.id, username=user.username, email=user.email),
                key=f"welcome:{user.id}",
            )
        log.info("account made", account=user.id, address=call.caller.address)
        return user

    async def profile(self, call: Call) -> User:
        """Return the caller's own account."""
        async with self._units.read() as unit:
            user = await unit.by_id(call.caller.user_id)
        if user is None:
            raise Fault(Kind.USER_NOT_FOUND, "there is no such user")
        return user

    async def promote(self, call: Call, name: str) -> User:
        """Make an account an admin, by user name or e-mail address; for the command line alone."""
        if not call.caller.is_service:
            raise Fault(Kind.FORBIDDEN, "only the command line may do this")
        async with self._units.write() as unit:
            user = await unit.by_login(name)
            if user is None:
                raise Fault(Kind.USER_NOT_FOUND, "there is no user {name}", name=name)
            role = max(user.role, Role.ADMIN)
            await unit.appoint(user.id, role)
        return msgspec.structs.replace(user, role=role)
