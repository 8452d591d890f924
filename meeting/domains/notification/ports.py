"""What the notification domain needs from its store."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Protocol

from meeting.domains.notification.model import Draft, Notification, Owed
from meeting.kernel.page import Found
from meeting.kernel.ports import Unit


class NotificationUnit(Unit, Protocol):
    """A unit of work over the histories and the known nets."""

    owes: bool
    """A frame has come to be owed with it."""

    async def add(self, user_id: int, draft: Draft, *, push: bool, mail: bool = False) -> bool:
        """Put a draft at the head of a history and forget what is too long ago.

        `push`: its frame is owed to the user's sockets from now on; `mail`: a mail to the user is.
        False, and nothing is written, where the history holds one with its key.
        """
        ...

    async def listed(
        self, user_id: int, *, type_: str, limit: int, offset: int
    ) -> Found[Notification]:
        """Return a user's history, or what is of one type in it, the newest first."""
        ...

    async def claim(self, owner: str, limit: int, *, stale: datetime) -> Sequence[Owed]:
        """Take mails on that are due and nobody else has since `stale`; also the owner's own.

        What was forgotten of its history before its mail was sent is owed no longer.
        """
        ...

    async def mailed(self, mail_id: str) -> None:
        """Owe a mail no longer."""
        ...

    async def put_off(self, mail_id: str, until: datetime) -> None:
        """Let a mail wait for its next attempt, by anybody, and count the one that failed."""
        ...

    async def read(self, user_id: int, notification_id: int) -> Notification | None:
        """Note that a user has read one of theirs, and return it; None where it is not theirs."""
        ...

    async def owed(self, limit: int) -> Sequence[Notification]:
        """Return those whose frame is owed, the oldest first."""
        ...

    async def paid(self, ids: Collection[int]) -> None:
        """Owe no frame for these any more."""
        ...

    async def nets(self, user_id: int) -> Collection[str]:
        """Return the nets that a user is known to log in from."""
        ...

    async def remember(self, user_id: int, net: str) -> None:
        """Note that a user logged in from a net just now, and forget those used too long ago."""
        ...
