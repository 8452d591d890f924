"""What users are told when the user domain announces something: handlers of its events.

Names are not copied here: who a notification is for is an id, and what it says names nobody, so a
new name leaves nothing stale.
"""

import msgspec

from meeting.domains.notification.address import place_of
from meeting.domains.notification.model import Draft
from meeting.domains.notification.ports import NotificationUnit
from meeting.domains.user.events import UserLoggedIn, UserRegistered
from meeting.kernel.ids import MAX_ID
from meeting.kernel.message import Entry

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


async def begin(unit: NotificationUnit, event: UserRegistered, _entry: Entry) -> None:
    """Begin a history at `user.registered`; there is no socket yet that could be told."""
    if _is_user(event.user_id):
        await unit.add(event.user_id, WELCOME, push=False)


async def watch(unit: NotificationUnit, event: UserLoggedIn, _entry: Entry) -> None:
    """Remember the net of a `user.logged_in`, and tell the user of one that is new, but the first.

    A login without an address, or with something else in its place, tells nothing.
    """
    place = place_of(event.ip_address) if _is_user(event.user_id) else None
    if place is None:
        return
    address, net = place
    known = await unit.nets(event.user_id)
    await unit.remember(event.user_id, net)
    if known and net not in known:
        await unit.add(event.user_id, _alarm(address, event), push=True)


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
