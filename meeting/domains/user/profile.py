"""The profile: changed by its owner, and what the other domains learn of it."""

import msgspec

from meeting.domains.user.events import UserProfileUpdated
from meeting.domains.user.model import User, fold, taken
from meeting.domains.user.ports import UserUnit
from meeting.domains.user.tasks import UserProfileUpdate
from meeting.kernel.call import Call
from meeting.kernel.errors import Fault, Kind, invalid
from meeting.kernel.ports import Units
from meeting.kernel.work import Work

SHOWN = {
    "full_name": "nickname",
    "avatar": "avatar",
    "username": "username",
    "email": "email",
    "phone": "phone",
}
"""Keys of events and tasks, and which field of the account each is."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """What an owner wants to be otherwise; None: stays. The form is checked at the edge."""

    nickname: str | None = None
    email: str | None = None
    phone: str | None = None
    avatar: str | None = None

    def __repr__(self) -> str:
        return "Change(…)"


class Profiles:
    """Changes profiles, and handles `user.profile_update`."""

    def __init__(self, units: Units[UserUnit]) -> None:
        self._units = units

    async def update(self, call: Call, change: Change) -> User:
        """Change the caller's own account; `exists` with the field that is taken."""
        wanted = {k: v for k, v in msgspec.structs.asdict(change).items() if v is not None}
        async with self._units.write() as unit:
            user = await unit.by_id(call.caller.user_id, lock=True)
            if user is None:
                raise Fault(Kind.USER_NOT_FOUND, "there is no such user")
            changed = msgspec.structs.replace(user, **wanted)
            if changed == user:
                return user
            if fold(changed.email) != fold(user.email):
                other = await unit.by_login(changed.email)
                if other is not None and other.id != user.id:
                    raise taken("email")
            await unit.change(changed)
            updates = {
                key: getattr(changed, field)
                for key, field in SHOWN.items()
                if getattr(changed, field) != getattr(user, field)
            }
            unit.enqueue(UserProfileUpdate(user_id=user.id, updates=updates))
        return changed

    async def __call__(self, task: UserProfileUpdate, work: Work) -> None:
        """Publish what the named fields are now, whatever the task says that they are."""
        named = [key for key in SHOWN if key in task.updates]
        if not named:
            raise invalid("updates", f"must name some of {', '.join(SHOWN)}")
        async with self._units.write() as unit:
            user = await unit.by_id(task.user_id, lock=True)
            if user is None:
                raise Fault(Kind.USER_NOT_FOUND, "there is no such user")
            updates = {key: getattr(user, SHOWN[key]) for key in named}
            unit.append(UserProfileUpdated(user_id=user.id, updates=updates))
            await unit.settle(work.held)
