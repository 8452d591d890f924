"""The notification domain as other domains see it: satisfies `NotificationApi`."""

from collections.abc import Sequence
from typing import Any

import msgspec
import structlog

from meeting.domains.notification.api import (
    MOST,
    BulkNotice,
    Notice,
    NotificationInfo,
    Notifications,
    own,
)
from meeting.domains.notification.history import History
from meeting.domains.notification.model import DATA_BYTES, Draft, Notification, typed
from meeting.domains.notification.ports import NotificationUnit
from meeting.domains.user.api import UserApi
from meeting.kernel.call import Call
from meeting.kernel.errors import Fault, Kind, invalid
from meeting.kernel.nesting import MAX_DEPTH, shallow
from meeting.kernel.ports import Units

DOMAIN = "notification"
USUAL = 20
MOST_LISTED = 100
TOGETHER = 50
"""Users who are told in one commit: other writers wait for its end."""
AWAY = (Kind.UNAVAILABLE, Kind.DEADLINE)

log = structlog.get_logger(__name__)


class NotificationService:
    """Writes histories for services, and reads them to services and to their users."""

    def __init__(self, *, units: Units[NotificationUnit], users: UserApi, history: History) -> None:
        self._units = units
        self._users = users
        self._history = history

    async def send_notification(self, call: Call, notice: Notice) -> None:
        """Tell a user something; for services alone."""
        call.caller.serves()
        draft = _draft(notice)
        await self._users.get_user(call.onward(DOMAIN), notice.user_id)
        push, mail = notice.push_notification, notice.email_notification
        await self._history.send(call, notice.user_id, draft, push=push, mail=mail)

    async def send_bulk_notifications(self, call: Call, notice: BulkNotice) -> None:
        """Tell users something; who is unknown is left out, and nobody's failure is another's."""
        call.caller.serves()
        if len(notice.user_ids) > MOST:
            raise invalid("user_ids", f"may be {MOST} at a time")
        draft = _draft(notice)
        known = await self._users.get_users_by_ids(call.onward(DOMAIN), notice.user_ids)
        ids = [person.id for person in known]
        for start in range(0, len(ids), TOGETHER):
            await self._spread(call, ids[start : start + TOGETHER], draft, notice)

    async def get_notification_history(
        self, call: Call, user_id: int, limit: int = 0, offset: int = 0, type_filter: str = ""
    ) -> Notifications:
        """Return a part of a history, the newest first, for its user and for services."""
        if not 0 <= limit <= MOST_LISTED:
            raise invalid("limit", f"must be 1 to {MOST_LISTED}, or 0 for {USUAL}")
        if offset < 0:
            raise invalid("offset", "must be 0 or more")
        if type_filter:
            typed("type_filter", type_filter)
        wanted = own(call.caller, user_id)
        async with self._units.read() as unit:
            found = await unit.listed(
                wanted, type_=type_filter, limit=limit or USUAL, offset=offset
            )
        if not found.total and call.caller.is_service:
            await self._users.get_user(call.onward(DOMAIN), wanted)
        return Notifications(
            notifications=[_info(each) for each in found.rows], total_count=found.total
        )

    async def _spread(
        self, call: Call, ids: Sequence[int], draft: Draft, notice: BulkNotice
    ) -> None:
        """Tell some users together, and each alone where that fails."""
        push, mail = notice.push_notification, notice.email_notification
        try:
            await self._history.spread(call, ids, draft, push=push, mail=mail)
        except Exception as error:
            if isinstance(error, Fault) and error.kind in AWAY:
                raise
            if len(ids) > 1:
                for user_id in ids:
                    await self._spread(call, [user_id], draft, notice)
                return
            # A defect of ours at one of them is no reason to keep it from the others.
            log.exception("notification failed", user_id=ids[0])


def _draft(notice: Notice | BulkNotice) -> Draft:
    """Read what is to be told; the words are the sender's own."""
    return Draft(
        type=notice.type, title=notice.title, content=notice.content, data=_data(notice.data)
    )


def _data(text: str) -> Any:
    """Read JSON that is neither too long nor too deep; nothing is an empty object."""
    data = text.encode("utf-8", "surrogatepass")
    if len(data) > DATA_BYTES:
        raise invalid("data", f"must have at most {DATA_BYTES} bytes")
    if not shallow(data):
        raise invalid("data", f"may be {MAX_DEPTH} levels deep")
    try:
        return msgspec.json.decode(data) if data else {}
    except (msgspec.MsgspecError, UnicodeError) as error:
        raise invalid("data", "must be JSON") from error


def _info(notification: Notification) -> NotificationInfo:
    title, content = notification.said("en")
    return NotificationInfo(
        id=notification.id,
        type=notification.type,
        title=title,
        content=content,
        data=msgspec.json.encode(notification.data).decode(),
        read=notification.read,
        created_at=notification.created_at,
    )
