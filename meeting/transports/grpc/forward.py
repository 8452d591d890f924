"""NotificationService at user's port, where the domain itself is in another process.

What is passed on comes from a service then, which is refused nothing that a user would be; so who
may read a history is looked at here as well, by the domain's own rule.
"""

from meeting.domains.notification.api import BulkNotice, Notice, NotificationApi, Notifications, own
from meeting.kernel.call import Call

SERVICE = "user"


class Forward:
    """Satisfies `NotificationApi` by another one."""

    def __init__(self, further: NotificationApi) -> None:
        self._further = further

    async def send_notification(self, call: Call, notice: Notice) -> None:
        """Tell a user something; for services alone."""
        call.caller.serves()
        await self._further.send_notification(call.onward(SERVICE), notice)

    async def send_bulk_notifications(self, call: Call, notice: BulkNotice) -> None:
        """Tell several users something; for services alone."""
        call.caller.serves()
        await self._further.send_bulk_notifications(call.onward(SERVICE), notice)

    async def get_notification_history(
        self, call: Call, user_id: int, limit: int = 0, offset: int = 0, type_filter: str = ""
    ) -> Notifications:
        """Return a part of a history, for its user and for services."""
        wanted = own(call.caller, user_id)
        return await self._further.get_notification_history(
            call.onward(SERVICE), wanted, limit, offset, type_filter
        )
