"""The meeting domain on a SQLite file, with a directory of users that can be switched off."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from msgspec.structs import replace
from sqlalchemy import select

from meeting.domains.meeting.attendance import Attendance
from meeting.domains.meeting.findings import Findings
from meeting.domains.meeting.lifecycle import Lifecycle
from meeting.domains.meeting.model import Draft, Meeting, MeetingType, Settings
from meeting.domains.meeting.people import People
from meeting.domains.meeting.presence import PresenceKeeper
from meeting.domains.meeting.results import Results
from meeting.domains.meeting.rooms import Rooms
from meeting.domains.meeting.schedule import Schedule
from meeting.domains.meeting.service import MeetingService
from meeting.domains.meeting.speech import SpeechKeeper
from meeting.domains.user.api import Identity, Person
from meeting.kernel.call import Call, Caller
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.ids import RandomIds
from meeting.kernel.message import Message
from meeting.kernel.password import Passwords
from meeting.kernel.secret import Secret
from meeting.kernel.token import Tokens
from meeting.stores.relational.database import Database
from meeting.stores.relational.documents import SqlDocuments
from meeting.stores.relational.meeting import SqlMeetingUnit
from meeting.stores.relational.outbox import Log, outbox
from meeting.stores.relational.unit import SqlUnits
from tests.clock import MovingClock

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
DRAFT = Draft(
    title="Stand-up",
    description="",
    start_time=NOON,
    end_time=NOON + timedelta(hours=1),
    max_participants=100,
    meeting_type=MeetingType.VIDEO,
    password=None,
    settings=Settings(),
)


class Directory:
    """A `UserApi` that knows users 1 to 99, and can be down."""

    def __init__(self) -> None:
        self.down = False
        self.asked = 0

    async def validate_token(self, call: Call, token: str) -> Identity:
        """Nobody asks here."""
        raise AssertionError(token)

    async def get_user(self, call: Call, user_id: int) -> Person:
        """Return a user; 100 and above are unknown."""
        self.asked += 1
        if self.down:
            raise Fault(
                Kind.UNAVAILABLE, "the database does not answer", details={"peer": "database"}
            )
        if user_id > 99:
            raise Fault(Kind.USER_NOT_FOUND, "there is no such user")
        return Person(
            id=user_id,
            username=f"user{user_id}",
            email=f"user{user_id}@example.org",
            full_name=f"User {user_id}",
            status="active",
            created_at=NOON,
        )

    async def get_users_by_ids(self, call: Call, ids: Sequence[int]) -> list[Person]:
        """Nobody asks for several here."""
        raise AssertionError(ids)

    async def update_user_status(self, call: Call, user_id: int, status: str) -> None:
        """Nobody says so here."""
        raise AssertionError(status)


class World:
    """Everything of the meeting domain, on one database."""

    def __init__(self, url: str, passwords: Passwords) -> None:
        self.database = Database(url)
        self.clock = MovingClock()
        ids = RandomIds()
        self.units = SqlUnits(self.database, SqlMeetingUnit, self.clock, ids)
        self.feed = Log(self.database)
        self.documents = SqlDocuments(self.database)
        self.users = Directory()
        people = People(self.users)
        self.tokens = Tokens(Secret("k" * 32), self.clock, ids)
        self.schedule = Schedule(
            units=self.units, clock=self.clock, people=people, passwords=passwords
        )
        self.rooms = Rooms(self.units)
        self.lifecycle = Lifecycle(units=self.units, clock=self.clock)
        self.attendance = Attendance(
            units=self.units,
            clock=self.clock,
            people=people,
            passwords=passwords,
            tokens=self.tokens,
        )
        self.results = Results(units=self.units, documents=self.documents)
        self.service = MeetingService(
            units=self.units,
            schedule=self.schedule,
            attendance=self.attendance,
            lifecycle=self.lifecycle,
            findings=Findings(units=self.units, documents=self.documents, clock=self.clock),
        )
        self.speech = SpeechKeeper(units=self.units, documents=self.documents)
        self.presence = PresenceKeeper(self.clock)

    def call(self, user_id: int, *, service: str = "", key: str = "") -> Call:
        """Make the call of a user, or of a service for one."""
        caller = Caller(
            user_id=user_id, username=f"user{user_id}", service=service, token_id=f"jti{user_id}"
        )
        return Call(caller=caller, request_id="r", key=key)

    async def meeting(self, host: int = 1, *, started: bool = True, **fields: object) -> Meeting:
        """Create a meeting, and start it unless told not to."""
        made = await self.schedule.create(self.call(host), replace(DRAFT, **fields))
        return await self.lifecycle.start(self.call(host), made.id) if started else made

    async def told(self, topic: str = "meeting_events") -> list[Message]:
        """Return what was announced, in commit order."""
        wanted = select(outbox).where(outbox.c.topic == topic).order_by(outbox.c.position)
        async with self.database.read() as connection:
            rows = (await connection.execute(wanted)).mappings().all()
        return [
            Message(**{name: value for name, value in row.items() if name != "position"})
            for row in rows
        ]
