"""Presence: the newest word stands, whoever says it and however late it comes."""

from datetime import datetime, timedelta

from meeting.domains.user.events import UserStatusChanged
from meeting.domains.user.model import Presence, Standing
from meeting.domains.user.moment import moment
from meeting.domains.user.ports import UserUnit
from meeting.domains.user.tasks import UserStatusChange
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.ports import Units
from meeting.kernel.work import Work

TICK = timedelta(microseconds=1)


class Presences:
    """Sets presence for services, and handles `user.status_change`."""

    def __init__(self, units: Units[UserUnit], clock: Clock) -> None:
        self._units = units
        self._clock = clock

    async def set(self, user_id: int, status: Presence) -> None:
        """Set a presence now; a change is announced, and asked for as a task as well."""
        async with self._units.write() as unit:
            before = await _standing(unit, user_id)
            now = self._clock.now()
            if before.changed_at is not None:
                # Clocks of several machines differ: what is said now is newer than what stands.
                now = max(now, before.changed_at + TICK)
            if await self._stand(unit, before, status, now):
                unit.enqueue(UserStatusChange(user_id=user_id, status=status, changed_at=now))

    async def __call__(self, task: UserStatusChange, work: Work) -> None:
        """Set a presence as of when the task says, unless an equal or newer one stands."""
        at = moment(task.changed_at, work.held.letter, self._clock)
        async with self._units.write() as unit:
            before = await _standing(unit, task.user_id)
            await self._stand(unit, before, task.status, at)
            await unit.settle(work.held)

    async def _stand(
        self, unit: UserUnit, before: Standing, status: Presence, at: datetime
    ) -> bool:
        """Keep what stands then and announce a change; True where it is one."""
        after = before.after(status, at)
        if after is before:
            return False
        await unit.stand(after)
        if after.status is before.status:
            return False
        unit.append(
            UserStatusChanged(
                user_id=after.user_id,
                old_status=before.status.value,
                new_status=after.status.value,
            )
        )
        return True


async def _standing(unit: UserUnit, user_id: int) -> Standing:
    found = await unit.standing(user_id)
    if found is None:
        raise Fault(Kind.USER_NOT_FOUND, "there is no such user")
    return found
