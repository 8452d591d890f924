"""The user and the meeting domain for the bench of calls: on a database, or with answers at hand.

With answers at hand there is no work behind a call, so that only the way to it is measured.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import cast

import msgspec

from meeting.app.assembly.edges import direct
from meeting.domains.meeting.api import Access, MeetingApi, MeetingInfo
from meeting.domains.meeting.attendance import Attendance
from meeting.domains.meeting.findings import Findings
from meeting.domains.meeting.lifecycle import Lifecycle
from meeting.domains.meeting.model import Draft, MeetingType, Settings
from meeting.domains.meeting.people import People
from meeting.domains.meeting.schedule import Schedule
from meeting.domains.meeting.service import MeetingService
from meeting.domains.user.api import Person, UserApi
from meeting.domains.user.model import NewUser
from meeting.domains.user.presence import Presences
from meeting.domains.user.service import UserService
from meeting.kernel.call import Call, Caller
from meeting.kernel.clock import SystemClock
from meeting.kernel.ids import RandomIds
from meeting.kernel.password import Passwords
from meeting.kernel.secret import Secret
from meeting.kernel.token import Tokens
from meeting.stores.relational import migrate
from meeting.stores.relational.database import Database
from meeting.stores.relational.documents import SqlDocuments
from meeting.stores.relational.meeting import SqlMeetingUnit
from meeting.stores.relational.unit import Rows
from meeting.stores.relational.user import SqlUserUnit

SECONDS = 2.0
"""How long a call from domain to domain may take, as in a house."""
THEN = datetime(2026, 1, 1, tzinfo=UTC)
GUESTS = 20
"""Users beside the host."""

clock, ids = SystemClock(), RandomIds()
tokens = Tokens(Secret("a secret of a bench, long enough for every algorithm of HMAC"), clock, ids)


class Scene(msgspec.Struct, frozen=True):
    """What there is: a host, guests who are in no meeting yet, and meetings that go on."""

    host: int = 1
    guests: Sequence[int] = (2,)
    meetings: Sequence[int] = (1,)


class Users:
    """Answers who a user is, without looking."""

    async def get_user(self, call: Call, user_id: int) -> Person:
        """Return somebody."""
        return Person(
            id=user_id,
            username="guest",
            email="guest@example.org",
            full_name="A Guest",
            status="active",
            created_at=THEN,
        )


class Meetings:
    """Lets everybody in; to admit somebody it asks who that is, as the domain does."""

    def __init__(self, users: UserApi) -> None:
        self._users = users

    async def get_meeting(self, call: Call, meeting_id: int) -> MeetingInfo:
        """Return a meeting."""
        return MeetingInfo(
            id=meeting_id,
            title="A meeting of the bench",
            description="",
            creator_id=1,
            status="active",
            start_time=THEN,
            end_time=THEN + timedelta(days=9999),
            actual_start_time=THEN,
            max_participants=100,
            meeting_type="video",
            room_id=f"room_{meeting_id}",
            settings=Settings(),
        )

    async def validate_user_access(
        self, call: Call, user_id: int, meeting_id: int, *, admit: bool = False
    ) -> Access:
        """Let a user in."""
        if admit:
            await self._users.get_user(call.onward("meeting"), user_id)
        return Access(has_access=True, role="participant")


class Domains:
    """Both domains in this process; each may be asked alone, with the other one elsewhere."""

    def __init__(self, database: Database | None, users: UserApi | None = None) -> None:
        if database is None:
            self.users = cast("UserApi", Users())
            self.meetings = cast("MeetingApi", Meetings(users or self._near(self.users, "user")))
            return
        self._passwords = Passwords()
        rows = Rows(database, clock, ids, relayed=not database.sqlite)
        self._accounts = rows.units(SqlUserUnit)
        units = rows.units(SqlMeetingUnit)
        self.users = UserService(self._accounts, tokens, Presences(self._accounts, clock))
        people = People(users or self._near(self.users, "user"))
        self._schedule = Schedule(
            units=units, clock=clock, people=people, passwords=self._passwords
        )
        self._lifecycle = Lifecycle(units=units, clock=clock)
        self.meetings = MeetingService(
            units=units,
            schedule=self._schedule,
            attendance=Attendance(
                units=units, clock=clock, people=people, passwords=self._passwords, tokens=tokens
            ),
            lifecycle=self._lifecycle,
            findings=Findings(units=units, documents=SqlDocuments(database), clock=clock),
        )

    @staticmethod
    def _near(users: UserApi, name: str) -> UserApi:
        """Call it as domains of one process do."""
        return direct(users, name, clock, SECONDS)

    async def settle(self, meetings: int) -> Scene:
        """Fill an empty database."""
        made = []
        for at in range(1 + GUESTS):
            new = NewUser(
                username=f"user{at}",
                email=f"user{at}@example.org",
                password_hash=Secret("none"),
                nickname=f"User {at}",
                created_at=THEN,
            )
            async with self._accounts.write() as unit:
                made.append((await unit.add(new)).id)
        call = Call(caller=Caller(user_id=made[0]), request_id="bench")
        draft = Draft(
            title="A meeting of the bench",
            description="",
            start_time=THEN,
            end_time=THEN + timedelta(days=9999),
            max_participants=100,
            meeting_type=MeetingType.VIDEO,
            password=None,
            settings=Settings(),
        )
        begun = []
        for _ in range(meetings):
            begun.append((await self._schedule.create(call, draft)).id)
            await self._lifecycle.start(call, begun[-1])
        return Scene(host=made[0], guests=made[1:], meetings=begun)


@asynccontextmanager
async def opened(url: str, users: UserApi | None = None) -> AsyncIterator[Domains]:
    """Open the domains on a database that has its tables; without one they have answers at hand."""
    database = Database(url) if url else None
    try:
        yield Domains(database, users)
    finally:
        if database is not None:
            await database.close()


async def prepared(url: str, meetings: int) -> Scene:
    """Make the tables of an empty database and fill them."""
    database = Database(url)
    try:
        await migrate.upgrade(database)
        return await Domains(database).settle(meetings)
    finally:
        await database.close()
