"""What other domains may ask the notification domain."""

from datetime import datetime
from typing import Protocol

import msgspec

from meeting.kernel.call import Call, Caller
from meeting.kernel.errors import Fault, Kind

MOST = 1000
"""Users that one call may tell something."""


class Notice(msgspec.Struct, frozen=True, kw_only=True):
    """What a user is to be told; it always goes into the history."""

    user_id: int
    type: str
    """`[a-z_]{1,32}`."""
    title: str
    """At most 200 characters, as the content at most 2000."""
    content: str
    data: str = ""
    """JSON for programs, at most 8 KiB; empty: an empty object."""
    push_notification: bool = False
    """A frame to all sockets of the user, too."""
    email_notification: bool = False
    """A mail to the user's address, too."""


class BulkNotice(msgspec.Struct, frozen=True, kw_only=True):
    """What several users are to be told, each for themselves."""

    user_ids: list[int]
    type: str
    title: str
    content: str
    data: str = ""
    push_notification: bool = False
    email_notification: bool = False


class NotificationInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What a user was told."""

    id: int
    type: str
    title: str
    content: str
    data: str
    """JSON."""
    read: bool
    created_at: datetime


class Notifications(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a history, the newest first, and how long the whole is."""

    notifications: list[NotificationInfo]
    total_count: int


def own(caller: Caller, user_id: int) -> int:
    """Return whose history a caller wants, 0 being their own; another's is for services alone."""
    wanted = user_id or caller.user_id
    if not caller.is_service and wanted != caller.user_id:
        raise Fault(Kind.FORBIDDEN, "a user may read their own history alone")
    return wanted


class NotificationApi(Protocol):
    """The calls that a service can make, in this process or over a wire."""

    async def send_notification(self, call: Call, notice: Notice) -> None:
        """Tell a user something; for services alone. `user_not_found`, `validation`."""
        ...

    async def send_bulk_notifications(self, call: Call, notice: BulkNotice) -> None:
        """Tell up to `MOST` users something; for services alone.

        Who is unknown is left out, and a failure at one user stops nothing for the others.
        """
        ...

    async def get_notification_history(
        self, call: Call, user_id: int, limit: int = 0, offset: int = 0, type_filter: str = ""
    ) -> Notifications:
        """Return a part of a history, the newest first, for its user and for services.

        `limit` is 1 to 100, or 0 for 20. `forbidden`; `user_not_found` where there is no such user.
        """
        ...
