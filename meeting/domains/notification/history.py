"""What users were told: written by services, read by the users themselves."""

from collections.abc import Callable, Sequence

from meeting.domains.notification.model import Draft, Notification
from meeting.domains.notification.ports import NotificationUnit
from meeting.kernel.call import Call
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.page import Found, Page
from meeting.kernel.ports import Units


class History:
    """The use cases on histories; `stir` is called when a frame or a mail is owed."""

    def __init__(self, units: Units[NotificationUnit], stir: Callable[[], None]) -> None:
        self._units = units
        self._stir = stir

    async def send(
        self, call: Call, user_id: int, draft: Draft, *, push: bool, mail: bool = False
    ) -> None:
        """Tell a user something, as a service."""
        await self.spread(call, [user_id], draft, push=push, mail=mail)

    async def spread(
        self, call: Call, user_ids: Sequence[int], draft: Draft, *, push: bool, mail: bool
    ) -> None:
        """Tell several users something, as a service, all or none of them."""
        call.caller.serves()
        async with self._units.write() as unit:
            for user_id in user_ids:
                await unit.add(user_id, draft, push=push, mail=mail)
        if push or mail:
            self._stir()

    async def list(self, call: Call, *, type_: str, page: Page) -> Found[Notification]:
        """Return what the caller was told, all or of one type, the newest first."""
        async with self._units.read() as unit:
            return await unit.listed(
                call.caller.user_id, type_=type_, limit=page.size, offset=page.offset
            )

    async def read(self, call: Call, notification_id: int) -> Notification:
        """Note that the caller has read one; `not_found` where it is none of theirs."""
        async with self._units.write() as unit:
            found = await unit.read(call.caller.user_id, notification_id)
        if found is None:
            raise Fault(Kind.NOT_FOUND, "there is no such notification")
        return found
