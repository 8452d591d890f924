"""What users are told when the user domain announces something.

Entry and cursor are one commit, so an event is told of once. Names are not copied here: who a
notification is for is an id, and what it says names nobody, so a new name leaves nothing stale.
"""

from collections.abc import Callable

import msgspec

from meeting.domains.notification.address import place_of
from meeting.domains.notification.model import Draft
from meeting.domains.notification.ports import NotificationUnit
from meeting.domains.user.events import UserLoggedIn, UserRegistered
from meeting.kernel.ids import MAX_ID
from meeting.kernel.message import Entry
from meeting.kernel.ports import Units

WELCOME = Draft(
    type="welcome",
    title="Welcome",
    content="Your account is ready. Create a meeting, or join one that you were invited to.",
    filling={},
    key="welcome",
)
TITLE = "Login from a new place"
CONTENT = (
    "Somebody logged in to your account from {ip_address}, a place that was not used before."
    " If that was not you, change your password."
)


class Reactions:
    """Handles `user.registered` and `user.logged_in`; `stir` is called when a frame is owed."""

    def __init__(self, units: Units[NotificationUnit], stir: Callable[[], None]) -> None:
        self._units = units
        self._stir = stir

    async def registered(self, event: UserRegistered, entry: Entry) -> None:
        """Begin a history; there is no socket yet that could be told."""
        async with self._units.write() as unit:
            if _is_user(event.user_id):
                await unit.add(event.user_id, WELCOME, push=False)
            await unit.advance(entry)

    async def logged_in(self, event: UserLoggedIn, entry: Entry) -> None:
        """Remember the net of a login, and tell the user of one that is new, but the first.

        A login without an address, or with something else in its place, tells nothing.
        """
        place = place_of(event.ip_address) if _is_user(event.user_id) else None
        strange = False
        async with self._units.write() as unit:
            if place is not None:
                address, net = place
                known = await unit.nets(event.user_id)
                strange = bool(known) and net not in known
                await unit.remember(event.user_id, net)
                if strange:
                    await unit.add(event.user_id, _alarm(address, event), push=True)
            await unit.advance(entry)
        if strange:
            self._stir()


def _is_user(user_id: int) -> bool:
    """Tell whether an event names somebody who can be one: strangers can publish, too."""
    return 1 <= user_id <= MAX_ID


def _alarm(address: str, event: UserLoggedIn) -> Draft:
    return Draft(
        type="unusual_login",
        title=TITLE,
        content=CONTENT,
        data={"ip_address": address, "login_time": msgspec.to_builtins(event.login_time)},
        filling={"ip_address": address},
    )
