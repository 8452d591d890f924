"""Sends the mails that notifications owe: one each, whatever dies on the way.

A mail is claimed in a commit of its own before it is sent, and no longer owed in the commit after.
A process that dies between the two sends it when it is back, or another does when the claim is old.
As with every mail one limit remains: who dies after the mail server took it and before that commit
sends it a second time, under the same `Message-ID`.

A server that is away is waited for with all mails. One that is there and puts a mail off, as for a
domain it can't find or an address it does not know yet, keeps that one only: it waits for a turn of
its own, ever longer, and is given up after some five days, as mail servers do among themselves.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from meeting.domains.notification.model import Owed
from meeting.domains.notification.ports import NotificationUnit
from meeting.domains.notification.rounds import Rounds
from meeting.domains.user.api import Person, UserApi
from meeting.kernel.call import Call, Caller
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.failpoint import failpoint
from meeting.kernel.ids import Ids
from meeting.kernel.mail import Later, Mail, Post
from meeting.kernel.ports import Units

AT_ONCE = 20
CLAIM = timedelta(hours=1)
"""How long a mail belongs to the process that took it on; that one may be gone for good by then."""
FIRST_WAIT = timedelta(minutes=1)
LONGEST_WAIT = timedelta(hours=4)
ATTEMPTS = 38
"""How often one is tried that is put off each time: 1, 2, 4 … minutes between, five days in all.
Attempts are counted, not days, so that days on which the server was away cost no mail its own."""

log = structlog.get_logger(__name__)


class Mailer(Rounds):
    """Sends owed mails; `owner` is the name of this process, the same over restarts."""

    def __init__(
        self,
        *,
        owner: str,
        units: Units[NotificationUnit],
        users: UserApi,
        post: Post,
        clock: Clock,
        ids: Ids,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(pause)
        self._owner = owner
        self._units = units
        self._users = users
        self._post = post
        self._clock = clock
        self._ids = ids

    async def step(self) -> bool:
        """Send what is owed now, a few at most; False when there was nothing."""
        stale = self._clock.now() - CLAIM
        async with self._units.write() as unit:
            owed = await unit.claim(self._owner, AT_ONCE, stale=stale)
        for each in owed:
            failpoint("mail-claimed")
            until = await self._send(each)
            failpoint("mail-accepted")
            async with self._units.write() as unit:
                if until is None:
                    await unit.mailed(each.mail_id)
                else:
                    await unit.put_off(each.mail_id, until)
        return bool(owed)

    async def _send(self, owed: Owed) -> datetime | None:
        """Send one; until when it waits if it was put off, None where it is owed no longer.

        What is raised asks for another attempt later, and the others wait, too.
        """
        about = owed.notification
        try:
            call = Call(caller=Caller(service="notification"), request_id=self._ids.new())
            person = await self._users.get_user(call, about.user_id)
            await self._post.send(_mail(owed, person))
        except Later as later:
            if owed.attempts + 1 < ATTEMPTS:
                return self._clock.now() + wait(owed.attempts)
            log.warning("mail given up", notification=about.id, reason=str(later))
        except Fault as fault:
            if fault.kind in (Kind.UNAVAILABLE, Kind.DEADLINE):
                raise
            # No other attempt would go better; the user still finds it in the history.
            log.warning("mail refused", notification=about.id, reason=fault.kind)
        except Exception:
            # A defect of ours at one of them is no reason to keep it from the others.
            log.exception("mail failed", notification=about.id)
        return None


def wait(attempts: int) -> timedelta:
    """Return how long a mail waits that was put off this often before."""
    return min(FIRST_WAIT * (1 << min(attempts, 10)), LONGEST_WAIT)


def _mail(owed: Owed, person: Person) -> Mail:
    """Write a mail in English, where the words are ours; others' words are as they are."""
    title, content = owed.notification.said("en")
    return Mail(
        id=owed.mail_id,
        address=person.email,
        name=person.full_name or person.username,
        subject=title,
        body=content + "\n",
    )
