"""REST of the notification domain."""

from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, QueryParameter

from meeting.domains.notification.history import History
from meeting.domains.notification.model import Notification, typed
from meeting.kernel.call import Call
from meeting.kernel.page import Page
from meeting.text import language
from meeting.transports.http.envelope import Envelope, Envelopes, Paged, paged


class NotificationView(msgspec.Struct, frozen=True, kw_only=True):
    """What a user was told, in the language that they read."""

    id: int
    type: str
    title: str
    content: str
    data: Any
    read: bool
    created_at: datetime


def shown(notification: Notification, tongue: str) -> NotificationView:
    """Show a notification in a language of ours."""
    title, content = notification.said(tongue)
    return NotificationView(
        id=notification.id,
        type=notification.type,
        title=title,
        content=content,
        data=notification.data,
        read=notification.read,
        created_at=notification.created_at,
    )


def routes(history: History, envelope: Envelopes) -> list[HTTPRouteHandler]:
    """Make the routes."""

    @get("/notifications")
    async def listed(
        call: Call,
        page: Page,
        request: Request[Any, Any, Any],
        kind: Annotated[str, QueryParameter(name="type", description="all, if empty")] = "",
    ) -> Envelope[Paged[NotificationView]]:
        """List what one was told, the newest first."""
        if kind:
            typed("type", kind)
        found = await history.list(call, type_=kind, page=page)
        tongue = _tongue(request)
        return envelope(call, paged(found, page, lambda each: shown(each, tongue)))

    @post("/notifications/{notification_id:int}/read", status_code=200)
    async def read(
        notification_id: FromPath[int], call: Call, request: Request[Any, Any, Any]
    ) -> Envelope[NotificationView]:
        """Note that one has read it."""
        found = await history.read(call, notification_id)
        return envelope(call, shown(found, _tongue(request)))

    return [listed, read]


def _tongue(request: Request[Any, Any, Any]) -> str:
    return language(request.headers.get("accept-language", ""))
