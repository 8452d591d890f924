"""What the meeting domain needs from its store."""

from datetime import datetime
from typing import Protocol

import msgspec

from meeting.domains.meeting.model import Meeting, Participant, RoomStatus, Status
from meeting.kernel.page import Found, Page
from meeting.kernel.ports import Unit


class Creations(Protocol):
    """Which `Idempotency-Key` made which meeting."""

    async def made(self, creator_id: int, key: str, *, since: datetime) -> tuple[int, str] | None:
        """Return id and fingerprint of the meeting that this key made, unless before `since`."""
        ...

    async def remember(
        self,
        creator_id: int,
        key: str,
        meeting_id: int,
        fingerprint: str,
        *,
        now: datetime,
        since: datetime,
    ) -> None:
        """Keep which meeting a key made and forget keys from before `since`.

        `conflict` where another request with this key was faster.
        """
        ...


class Rooms(Protocol):
    """How far the house is with the rooms."""

    async def status(self, meeting_id: int) -> RoomStatus:
        """Return the state of a meeting's room; pending where nobody has touched it."""
        ...

    async def set(self, meeting_id: int, status: RoomStatus) -> None:
        """Keep the state of a meeting's room."""
        ...


class Copies(Protocol):
    """What the meeting domain keeps of the users, which are the user domain's."""

    async def rename(self, user_id: int, *, username: str | None, full_name: str | None) -> None:
        """Change the names of a user in all lists; None leaves one as it is."""
        ...

    async def online(self, user_id: int) -> bool:
        """Tell whether a user is online, as far as was heard."""
        ...

    async def appear(self, user_id: int, *, here: bool) -> None:
        """Note that a user is online or not, and show it in the lists."""
        ...


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """How often the report of an ended meeting was wanted, and up to which time it was made."""

    wanted: int
    made: int

    @property
    def due(self) -> bool:
        """Tell whether something has come in since it was made."""
        return self.made < self.wanted


class Reports(Protocol):
    """Which reports are wanted and which are made."""

    async def begin(self, meeting_id: int) -> Mark:
        """Want the report of a meeting that has ended; once it was, nothing changes."""
        ...

    async def want(self, meeting_id: int) -> Mark | None:
        """Want it once more; None where it was never begun."""
        ...

    async def mark(self, meeting_id: int) -> Mark | None:
        """Return how things stand; None where it was never begun."""
        ...

    async def made(self, meeting_id: int, mark: Mark) -> Mark:
        """Note that what `mark` wanted is made, unless more is already; return what stands now.

        `conflict` where another was made since `mark`, but less.
        """
        ...


class MeetingUnit(Unit, Protocol):
    """A unit of work over meetings and participants."""

    @property
    def creations(self) -> Creations:
        """Return which key made which meeting."""
        ...

    @property
    def copies(self) -> Copies:
        """Return what is kept of the users."""
        ...

    @property
    def rooms(self) -> Rooms:
        """Return the states of the rooms."""
        ...

    @property
    def reports(self) -> Reports:
        """Return which reports are wanted and which are made."""
        ...

    async def meeting(self, meeting_id: int, *, lock: bool = False) -> Meeting | None:
        """Return a meeting; `lock` makes other writers of this meeting wait for the commit."""
        ...

    async def password_hash(self, meeting_id: int) -> str:
        """Return the hash of a meeting's password; empty where it has none."""
        ...

    async def add(self, meeting: Meeting, password_hash: str) -> Meeting:
        """Store a new meeting and return it with its id."""
        ...

    async def save(self, meeting: Meeting) -> None:
        """Store the state of a meeting that is there."""
        ...

    async def listed(
        self, user_id: int, *, status: Status | None, text: str, page: Page
    ) -> Found[Meeting]:
        """Return what a user may see of the meetings, newest start first."""
        ...

    async def active(self, limit: int) -> list[Meeting]:
        """Return the meetings that go on, newest start first."""
        ...

    async def seat(
        self, meeting_id: int, user_id: int, *, lock: bool = False
    ) -> Participant | None:
        """Return a user's row in a meeting; `lock` it before it is placed again."""
        ...

    async def place(self, participant: Participant) -> Participant:
        """Store a participant, new (id 0) or changed, and return it with its id."""
        ...

    async def invited(self, meeting_id: int) -> list[int]:
        """Return the users who are invited and have not come yet."""
        ...

    async def clear(self, meeting_id: int, now: datetime) -> None:
        """Make every joined participant left."""
        ...

    async def participants(
        self, meeting_id: int, *, everybody: bool, page: Page
    ) -> Found[Participant]:
        """Return the members of a meeting, or everybody whose row there is, by id."""
        ...
