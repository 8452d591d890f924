"""What visits have left behind: read from the tables by SQL of its own, and from the mails."""

import asyncio
import json
from collections import Counter
from collections.abc import Iterator
from email import message_from_bytes
from email.policy import default
from pathlib import Path

from sqlalchemy import text

from meeting.app.readers import READERS
from meeting.domains.meeting.tasks import QUEUE as MEETINGS
from meeting.domains.user.tasks import QUEUE as USERS
from meeting.kernel.queue import Place
from tests.chaos.journal import Thing
from tests.chaos.orders import Orders
from tests.chaos.split.visit import attended_by, numbered
from tests.chaos.stand import Stand, patiently

COUNT = """
SELECT (SELECT count(*) FROM users) + (SELECT count(*) FROM user_logins)
  + (SELECT count(*) FROM meetings) + (SELECT count(*) FROM notifications)
  + (SELECT count(*) FROM documents)
"""
RUNNING = "SELECT owner FROM idempotency_answers WHERE status IS NULL AND expires_at > now()"
OWED = """
SELECT EXISTS (SELECT FROM notifications WHERE owed) OR EXISTS (SELECT FROM notification_mails)
"""
PARKED = "SELECT count(*) FROM outbox_parked"
FOUND = """
SELECT 'account' AS kind, substr(username, 5) AS number FROM users
UNION ALL
SELECT 'history', substr(u.username, 5) FROM notifications n JOIN users u ON u.id = n.user_id
  WHERE n.type = 'welcome'
UNION ALL
SELECT 'notice', substr(title, 8) FROM notifications WHERE type = 'ledger'
UNION ALL
SELECT 'pushed', substr(title, 8) FROM notifications WHERE type = 'ledger' AND NOT owed
UNION ALL
SELECT 'meeting', substr(title, 9) FROM meetings
UNION ALL
SELECT 'started', substr(title, 9) FROM meetings WHERE actual_start_time IS NOT NULL
UNION ALL
SELECT 'ended', substr(title, 9) FROM meetings WHERE actual_end_time IS NOT NULL
UNION ALL
SELECT 'ready', substr(m.title, 9) FROM meetings m JOIN meeting_rooms r ON r.meeting_id = m.id
  WHERE r.status = CASE WHEN m.actual_end_time IS NULL THEN 'ready' ELSE 'released' END
UNION ALL
SELECT 'released', substr(m.title, 9) FROM meetings m JOIN meeting_rooms r ON r.meeting_id = m.id
  WHERE r.status = 'released'
UNION ALL
SELECT 'renamed', substr(u.username, 5) FROM users u
  JOIN meeting_participants p ON p.user_id = u.id
  GROUP BY u.username HAVING bool_and(p.full_name = 'name ' || substr(u.username, 5))
"""
LOGINS = "SELECT ip_address FROM user_logins"
REPORTS = "SELECT body::text FROM documents WHERE collection = 'meeting_reports'"


class Audit(Stand):
    """Counts the effects of visits; a mail that was sent twice as the same is one."""

    QUEUES = (USERS, MEETINGS)
    READERS = READERS

    def __init__(self, orders: Orders, mails: Path) -> None:
        super().__init__(orders)
        self._mails = mails
        self._read: dict[str, Thing] = {}
        """What is in the files that were looked into; none is changed."""

    async def holders(self) -> set[str]:
        """Return who holds a task, and which requests with a key are being answered."""
        return await super().holders() | {f"request {each}" for each in await self._texts(RUNNING)}

    async def dead(self) -> set[Thing]:
        """Return what lies among the dead, none of which anybody has asked for: none is right."""
        letters = [each for queue in self.QUEUES for each in await self._listed(queue, Place.DEAD)]
        (parked,) = await self._texts(PARKED)
        return {("letter", n) for n in range(len(letters))} | {
            ("parked", n) for n in range(int(parked))
        }

    async def pending(self) -> bool:
        """Tell whether anything is on its way, frames and mails, too."""
        return await super().pending() or await self._texts(OWED) == ["True"]

    async def _count(self) -> int:
        (rows,) = await self._texts(COUNT)
        return int(rows) + sum(1 for _ in self._files())

    async def _found(self) -> dict[Thing, int]:
        found: Counter[Thing] = Counter()
        async with self._engine.connect() as connection:
            for row in await connection.execute(text(FOUND)):
                found[row.kind, int(row.number)] += 1
        found.update(("login", numbered(each)) for each in await self._texts(LOGINS))
        for report in map(json.loads, await self._texts(REPORTS)):
            meeting = int(report["title"].removeprefix("meeting "))
            found["report", meeting] += 1
            for each in report["participants"]:
                user = int(each["username"].removeprefix("user"))
                found["attended", attended_by(meeting, user)] += 1
        found.update(await asyncio.to_thread(lambda: list(self._sent())))
        return dict(found)

    async def _texts(self, query: str) -> list[str]:
        """Return the only column of what is found, as texts."""

        async def ask() -> list[str]:
            async with self._engine.connect() as connection:
                return [str(value) for value in await connection.scalars(text(query))]

        return await patiently(ask)

    def _files(self) -> Iterator[Path]:
        return self._mails.glob("*.eml")

    def _sent(self) -> Iterator[Thing]:
        for path in self._files():
            if path.name not in self._read:
                self._read[path.name] = _thing(path)
            yield self._read[path.name]


def _thing(path: Path) -> Thing:
    """Tell which mail it is."""
    mail = message_from_bytes(path.read_bytes(), policy=default)
    subject = str(mail["Subject"])
    if subject.startswith("notice "):
        return "mail", int(subject.removeprefix("notice "))
    user, _, _ = mail["To"].addresses[0].addr_spec.partition("@")
    return "welcome", int(user.removeprefix("user"))
