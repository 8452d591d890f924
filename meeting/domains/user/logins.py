"""The login log: written by a task, read by whom it concerns."""

from ipaddress import ip_address

from meeting.domains.user.model import Login
from meeting.domains.user.moment import moment
from meeting.domains.user.ports import UserUnit
from meeting.domains.user.tasks import UserLogin
from meeting.kernel.call import Call
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind, invalid
from meeting.kernel.page import Found, Page
from meeting.kernel.ports import Units
from meeting.kernel.work import Work

KEPT = 1000
"""Logins of one user that are remembered, the newest."""


class Logins:
    """Handles `user.login`, and shows what it wrote."""

    def __init__(self, units: Units[UserUnit], clock: Clock) -> None:
        self._units = units
        self._clock = clock

    async def __call__(self, task: UserLogin, work: Work) -> None:
        """Write one login down."""
        at = moment(task.login_time, work.held.letter, self._clock)
        login = Login(login_time=at, ip_address=_address(task.ip_address))
        async with self._units.write() as unit:
            if await unit.by_id(task.user_id) is None:
                raise Fault(Kind.USER_NOT_FOUND, "there is no such user")
            await unit.add_login(task.user_id, login, KEPT)
            await unit.settle(work.held)

    async def page(self, call: Call, page: Page) -> Found[Login]:
        """Return one page of the caller's own logins, the newest first."""
        async with self._units.read() as unit:
            return await unit.logins(call.caller.user_id, page)


def _address(text: str) -> str:
    """Check an address that may come from anybody."""
    if not text:
        return ""
    try:
        return str(ip_address(text))
    except ValueError:
        raise invalid("ip_address", "must be an IP address") from None
