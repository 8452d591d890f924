"""The welcome mail: one an account, whatever dies on the way.

The mail is claimed in a commit of its own before it is sent, and marked as sent in the commit that
ends the task. A process that dies between the two sends it when the task comes again. There is one
limit that no order of steps removes: who dies after the mail server took the mail and before the
mark sends it a second time. It bears the same `Message-ID` then, by which mailboxes know it.
"""

from datetime import timedelta

from meeting.domains.user.model import Claim, User
from meeting.domains.user.ports import UserUnit
from meeting.domains.user.tasks import UserRegister
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind, invalid
from meeting.kernel.failpoint import failpoint
from meeting.kernel.ids import Ids
from meeting.kernel.mail import Mail, Post
from meeting.kernel.ports import Units
from meeting.kernel.work import Work

SUBJECT = "Welcome, {name}"
BODY = (
    "Hello {name},\n\nyour account {username} is ready: log in with this name or with this e-mail"
    " address, and begin or join a meeting.\n\nIf you did not ask for an account, somebody used"
    " your address; you need do nothing.\n"
)
CLAIM = timedelta(hours=1)
"""How long a mail belongs to the task that took it on; that one may be dead and purged by then."""


class Welcome:
    """Handles `user.register`."""

    def __init__(self, units: Units[UserUnit], post: Post, clock: Clock, ids: Ids) -> None:
        self._units = units
        self._post = post
        self._clock = clock
        self._ids = ids

    async def __call__(self, task: UserRegister, work: Work) -> None:
        """Send the mail, unless it was sent or another task has taken it on."""
        async with self._units.write() as unit:
            user = await self._account(unit, task)
            now = self._clock.now()
            wanted = Claim(
                key=f"welcome:{user.id}",
                mail_id=self._ids.new(),
                task_id=work.held.letter.id,
                claimed_at=now,
            )
            claim = await unit.claim(wanted, stale=now - CLAIM)
            if claim.sent_at is not None or claim.task_id != work.held.letter.id:
                await unit.settle(work.held)
                return
        failpoint("mail-claimed")
        await self._post.send(
            Mail(
                id=claim.mail_id,
                address=user.email,
                name=user.called,
                subject=SUBJECT,
                body=BODY,
                values={"name": user.called, "username": user.username},
            )
        )
        failpoint("mail-accepted")
        async with self._units.write() as unit:
            await unit.sent(claim.key, self._clock.now())
            await unit.settle(work.held)

    async def _account(self, unit: UserUnit, task: UserRegister) -> User:
        if task.user_id is None and not task.username:
            raise invalid("user_id", "or username is required")
        if task.user_id is not None:
            user = await unit.by_id(task.user_id)
        else:
            user = await unit.by_login(task.username)
        if user is None:
            raise Fault(Kind.USER_NOT_FOUND, "there is no such user")
        return user
