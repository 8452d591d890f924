"""The suite of `NotificationApi` over the service object, and over twins that it must reject."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from meeting.domains.notification.api import (
    BulkNotice,
    Notice,
    NotificationApi,
    Notifications,
)
from meeting.domains.notification.mailer import Mailer
from meeting.domains.notification.service import NotificationService
from meeting.domains.user.api import Person
from meeting.kernel.call import Call, Caller
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.mail import Mail
from tests.contract.api.notification import (
    PROMISES,
    World,
    kept,
    mailed,
    not_shown,
    paged,
    to_several,
)
from tests.contract.api.ways import WAYS, over
from tests.stores import at
from tests.unit.meeting.world import Directory
from tests.unit.notification.world import World as Domain

Promise = Callable[[World], Awaitable[None]]


class Known(Directory):
    """A directory that can be asked for several."""

    async def get_users_by_ids(self, call: Call, ids: Sequence[int]) -> list[Person]:
        """Leave out who is unknown."""
        return [await self.get_user(call, each) for each in dict.fromkeys(ids) if 1 <= each <= 99]

    async def get_user(self, call: Call, user_id: int) -> Person:
        """Know nobody below 1."""
        if user_id < 1:
            raise Fault(Kind.USER_NOT_FOUND, "there is no such user")
        return await super().get_user(call, user_id)


class Own:
    """A world whose histories are in this process."""

    def __init__(self, domain: Domain, kind: type[NotificationService]) -> None:
        users = Known()
        self.notifications: NotificationApi = kind(
            units=domain.units, users=users, history=domain.history
        )
        self._domain = domain
        self._mails: list[Mail] = []
        self._mailer = Mailer(
            owner="one",
            units=domain.units,
            users=users,
            post=self,
            clock=domain.clock,
            ids=domain.ids,
        )

    async def send(self, mail: Mail) -> None:
        """Take a mail, as a `Post` does."""
        self._mails.append(mail)

    def by(self, user_id: int) -> Call:
        """Make the call of a user."""
        return Call(caller=Caller(user_id=user_id), request_id="r")

    def service(self, user_id: int = 0) -> Call:
        """Make the call of a service."""
        return Call(caller=Caller(user_id=user_id, service="test"), request_id="r")

    async def pushed(self) -> list[tuple[int, dict[str, Any]]]:
        """Push what is owed, and return it."""
        self._domain.sockets.told.clear()
        while await self._domain.pusher.step():
            pass
        return [(ids[0], content) for ids, content in self._domain.sockets.told]

    async def mailed(self) -> list[tuple[int, str, str]]:
        """Send what is owed, and return it."""
        self._mails.clear()
        while await self._mailer.step():
            pass
        return [
            (int(mail.address.removeprefix("user").partition("@")[0]), mail.subject, mail.body)
            for mail in self._mails
        ]


@asynccontextmanager
async def own(
    folder: Path, kind: type[NotificationService] = NotificationService
) -> AsyncIterator[Own]:
    """Open a world over the service object, whole or broken."""
    async with Domain.open(at(folder)) as domain:
        yield Own(domain, kind)


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.__name__)
async def test_keeps(way: str, promise: Promise, tmp_path: Path) -> None:
    """The api keeps each promise, by whichever way it is called."""
    async with own(tmp_path) as world, over(way, "notification", world.notifications) as api:
        world.notifications = api
        await promise(world)


class Eager(NotificationService):
    """Pushes everything."""

    async def send_notification(self, call: Call, notice: Notice) -> None:
        """Owe a frame whoever asks."""
        await super().send_notification(
            call, msgspec.structs.replace(notice, push_notification=True)
        )


class Mailing(NotificationService):
    """Sends again what was sent."""

    async def send_notification(self, call: Call, notice: Notice) -> None:
        """Send twice."""
        for _ in range(2):
            await super().send_notification(call, notice)


class Strict(NotificationService):
    """Lets one user's failure stop the rest."""

    async def send_bulk_notifications(self, call: Call, notice: BulkNotice) -> None:
        """Send to one after the other."""
        about = msgspec.structs.asdict(notice)
        try:
            for user_id in about.pop("user_ids"):
                await self.send_notification(call, Notice(user_id=user_id, **about))
        except Fault:
            return


class Prying(NotificationService):
    """Shows everybody's history."""

    async def get_notification_history(
        self, call: Call, user_id: int, limit: int = 0, offset: int = 0, type_filter: str = ""
    ) -> Notifications:
        """Ask as a service."""
        call = Call(caller=Caller(service="x", user_id=call.caller.user_id), request_id="r")
        return await super().get_notification_history(call, user_id, limit, offset, type_filter)


class Backward(NotificationService):
    """Shows the oldest first."""

    async def get_notification_history(
        self, call: Call, user_id: int, limit: int = 0, offset: int = 0, type_filter: str = ""
    ) -> Notifications:
        """Turn the list round."""
        found = await super().get_notification_history(call, user_id, limit, offset, type_filter)
        return msgspec.structs.replace(found, notifications=found.notifications[::-1])


@pytest.mark.parametrize(
    ("twin", "by"),
    [
        (Eager, kept),
        (Mailing, mailed),
        (Strict, to_several),
        (Prying, not_shown),
        (Backward, paged),
    ],
    ids=["eager", "mailing", "strict", "prying", "backward"],
)
async def test_rejects(twin: type[NotificationService], by: Promise, tmp_path: Path) -> None:
    """The suite turns red on one that tells too much, twice, too few, or in a wrong order."""
    async with own(tmp_path, twin) as world:
        with pytest.raises(AssertionError):
            await by(world)
