"""Brings to open sockets what histories owe them.

A frame is owed from the commit that wrote the row until it has been handed over. So a crash, or a
signalling that is away, delays it or has it come twice, under the same id; none is lost on its way
to a socket that stays open.
"""

import asyncio
from collections.abc import Awaitable, Callable

import msgspec
import structlog

from meeting.domains.notification.model import Notification
from meeting.domains.notification.ports import NotificationUnit
from meeting.domains.notification.rounds import Rounds
from meeting.domains.signaling.api import Broadcast, SignalingApi
from meeting.kernel.call import Call, Caller
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.failpoint import failpoint
from meeting.kernel.ids import Ids
from meeting.kernel.ports import Units

AT_ONCE = 100

log = structlog.get_logger(__name__)


class Pusher(Rounds):
    """Hands owed frames to signalling."""

    def __init__(
        self,
        *,
        units: Units[NotificationUnit],
        signaling: SignalingApi,
        ids: Ids,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(pause)
        self._units = units
        self._signaling = signaling
        self._ids = ids

    def committed(self, unit: NotificationUnit) -> None:
        """Look for what is owed, if a unit that was committed owes anything."""
        if unit.owes:
            self.stir()

    async def step(self) -> bool:
        """Push what is owed now, a batch at most; False when there was nothing."""
        async with self._units.read() as unit:
            owed = await unit.owed(AT_ONCE)
        paid: list[int] = []
        away: Fault | None = None
        for notification in owed:
            away = await self._push(notification)
            if away is not None:
                break
            paid.append(notification.id)
        if paid:
            failpoint("before-paid")
            async with self._units.write() as unit:
                await unit.paid(paid)
        if away is not None:
            raise away
        return bool(owed)

    async def _push(self, notification: Notification) -> Fault | None:
        """Hand one over; what is returned asks for another attempt later."""
        call = Call(caller=Caller(service="notification"), request_id=self._ids.new())
        message = Broadcast(
            message_type="notification",
            content=_content(notification),
            target_user_ids=[notification.user_id],
        )
        try:
            await self._signaling.broadcast_message(call, message)
        except Fault as fault:
            if fault.kind in (Kind.UNAVAILABLE, Kind.DEADLINE):
                return fault
            # The others have to go on; the user still finds it in the history.
            log.warning("push refused", notification=notification.id, reason=str(fault))
        except Exception:
            # A defect of ours at one of them is no reason to keep it from the others.
            log.exception("push failed", notification=notification.id)
        return None


def _content(notification: Notification) -> str:
    """Write what the frame holds, in English: type and data let a page say it in its own words."""
    title, content = notification.said("en")
    shown = {
        "id": notification.id,
        "type": notification.type,
        "title": title,
        "content": content,
        "data": notification.data,
    }
    return msgspec.json.encode(shown).decode()
