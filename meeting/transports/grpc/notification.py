"""NotificationService, both ways: what others call here, and a `NotificationApi` elsewhere."""

from meeting.domains.notification.api import (
    BulkNotice,
    Notice,
    NotificationApi,
    NotificationInfo,
    Notifications,
)
from meeting.kernel.call import Call
from meeting.transports.grpc import alike, messages
from meeting.transports.grpc.channel import Channel
from meeting.transports.grpc.messages.google.protobuf import Empty
from meeting.transports.grpc.messages.grpc import (
    GetNotificationHistoryRequest,
    GetNotificationHistoryResponse,
    SendBulkNotificationsRequest,
    SendNotificationRequest,
)
from meeting.transports.grpc.method import method
from meeting.transports.grpc.service import Rpc, service


def history_out(found: Notifications) -> GetNotificationHistoryResponse:
    """Write a part of a history."""
    rows = [alike.message(messages.grpc.NotificationInfo, each) for each in found.notifications]
    return alike.message(GetNotificationHistoryResponse, found, notifications=rows)


def history_in(wire: GetNotificationHistoryResponse) -> Notifications:
    """Read a part of a history."""
    rows = [alike.struct(NotificationInfo, each) for each in wire.notifications]
    return alike.struct(Notifications, wire, notifications=rows)


def served(notifications: NotificationApi) -> list[Rpc]:
    """Make NotificationService of the notification domain."""

    async def send(call: Call, asked: SendNotificationRequest) -> Empty:
        await notifications.send_notification(call, alike.struct(Notice, asked))
        return Empty()

    async def send_bulk(call: Call, asked: SendBulkNotificationsRequest) -> Empty:
        await notifications.send_bulk_notifications(call, alike.struct(BulkNotice, asked))
        return Empty()

    async def history(
        call: Call, asked: GetNotificationHistoryRequest
    ) -> GetNotificationHistoryResponse:
        found = await notifications.get_notification_history(
            call, asked.user_id, asked.limit, asked.offset, asked.type_filter
        )
        return history_out(found)

    return service(
        "NotificationService",
        {
            "SendNotification": send,
            "SendBulkNotifications": send_bulk,
            "GetNotificationHistory": history,
        },
    )


class NotificationClient:
    """Satisfies `NotificationApi` by calls to another process."""

    _send = method("/grpc.NotificationService/SendNotification")
    _send_bulk = method("/grpc.NotificationService/SendBulkNotifications")
    _history = method("/grpc.NotificationService/GetNotificationHistory", repeat=True)

    def __init__(self, channel: Channel) -> None:
        self._channel = channel

    async def send_notification(self, call: Call, notice: Notice) -> None:
        """Tell a user something; for services alone."""
        await self._channel.call(self._send, call, alike.message(SendNotificationRequest, notice))

    async def send_bulk_notifications(self, call: Call, notice: BulkNotice) -> None:
        """Tell up to 1000 users something; for services alone. One's failure stops no other."""
        asked = alike.message(SendBulkNotificationsRequest, notice)
        await self._channel.call(self._send_bulk, call, asked)

    async def get_notification_history(
        self, call: Call, user_id: int, limit: int = 0, offset: int = 0, type_filter: str = ""
    ) -> Notifications:
        """Return what a user was told, the newest first; for services, and for the user."""
        asked = GetNotificationHistoryRequest(
            user_id=user_id, limit=limit, offset=offset, type_filter=type_filter
        )
        return history_in(await self._channel.call(self._history, call, asked))
