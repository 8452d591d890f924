"""Rows of the meeting domain: meetings and their participants."""

from datetime import datetime
from typing import Any

import msgspec
from sqlalchemy import (
    RowMapping,
    Select,
    func,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from meeting.domains.meeting.model import (
    MEMBERS,
    Meeting,
    MeetingType,
    Participant,
    PartRole,
    Settings,
    Standing,
    Status,
)
from meeting.domains.meeting.ports import Copies, Creations, Reports, Rooms
from meeting.kernel.clock import Clock
from meeting.kernel.ids import Ids
from meeting.kernel.page import Found, Page
from meeting.stores.relational.calendar import meetings, participants
from meeting.stores.relational.copies import CopyRows
from meeting.stores.relational.creations import CreationRows
from meeting.stores.relational.reports import ReportRows
from meeting.stores.relational.rooms import RoomRows
from meeting.stores.relational.unit import SqlUnit

_joined = (
    select(func.count())
    .where(participants.c.meeting_id == meetings.c.id, participants.c.status == Standing.JOINED)
    .scalar_subquery()
    .label("joined")
)
_whole = select(meetings, _joined)
_newest = (meetings.c.start_time.desc(), meetings.c.id.desc())
_members = [int(standing) for standing in sorted(MEMBERS)]


class SqlMeetingUnit(SqlUnit):
    """The unit of work of the meeting domain on SQL."""

    SOURCE = "meeting"

    def __init__(self, connection: AsyncConnection, clock: Clock, ids: Ids) -> None:
        super().__init__(connection, clock, ids)
        self.creations: Creations = CreationRows(connection)
        self.copies: Copies = CopyRows(connection)
        self.rooms: Rooms = RoomRows(connection)
        self.reports: Reports = ReportRows(connection)

    async def meeting(self, meeting_id: int, *, lock: bool = False) -> Meeting | None:
        """Return a meeting; `lock` makes other writers of this meeting wait for the commit."""
        if lock:
            # A statement of its own: only the next one sees what whoever held the lock has written.
            await self.connection.execute(
                select(meetings.c.id).where(meetings.c.id == meeting_id).with_for_update()
            )
        rows = await self.connection.execute(_whole.where(meetings.c.id == meeting_id))
        row = rows.mappings().first()
        return None if row is None else _meeting(row)

    async def password_hash(self, meeting_id: int) -> str:
        """Return the hash of a meeting's password; empty where it has none."""
        wanted = select(meetings.c.password_hash).where(meetings.c.id == meeting_id)
        return await self.connection.scalar(wanted) or ""

    async def add(self, meeting: Meeting, password_hash: str) -> Meeting:
        """Store a new meeting and return it with its id."""
        row = msgspec.structs.asdict(meeting)
        for derived in ("id", "joined", "has_password"):
            del row[derived]
        row |= {
            "settings": msgspec.to_builtins(meeting.settings),
            "password_hash": password_hash,
        }
        added = await self.connection.execute(insert(meetings).values(**row))
        return msgspec.structs.replace(meeting, id=_new(added.inserted_primary_key))

    async def save(self, meeting: Meeting) -> None:
        """Store the state of a meeting that is there."""
        await self.connection.execute(
            update(meetings)
            .where(meetings.c.id == meeting.id)
            .values(
                status=meeting.status,
                actual_start_time=meeting.actual_start_time,
                actual_end_time=meeting.actual_end_time,
                version=meeting.version,
                updated_at=meeting.updated_at,
            )
        )

    async def listed(
        self, user_id: int, *, status: Status | None, text: str, page: Page
    ) -> Found[Meeting]:
        """Return what a user may see of the meetings, newest start first."""
        mine = select(participants.c.meeting_id).where(
            participants.c.user_id == user_id, participants.c.status.in_(_members)
        )
        wanted = [or_(meetings.c.meeting_type != MeetingType.PRIVATE, meetings.c.id.in_(mine))]
        if status is not None:
            wanted.append(meetings.c.status == status)
        if text:
            wanted.append(meetings.c.title.icontains(text, autoescape=True))
        newest = _whole.order_by(*_newest)
        total = await self.connection.scalar(
            select(func.count()).select_from(meetings).where(*wanted)
        )
        rows = await self._page(newest.where(*wanted), page)
        return Found([_meeting(row) for row in rows], total or 0)

    async def active(self, limit: int) -> list[Meeting]:
        """Return the meetings that go on, newest start first."""
        rows = await self.connection.execute(
            _whole.where(meetings.c.status == Status.ACTIVE).order_by(*_newest).limit(limit)
        )
        return [_meeting(row) for row in rows.mappings()]

    async def seat(
        self, meeting_id: int, user_id: int, *, lock: bool = False
    ) -> Participant | None:
        """Return a user's row in a meeting; `lock` keeps others off it, also a new name."""
        wanted = select(participants).where(
            participants.c.meeting_id == meeting_id, participants.c.user_id == user_id
        )
        if lock:
            wanted = wanted.with_for_update()
        rows = await self.connection.execute(wanted)
        row = rows.mappings().first()
        return None if row is None else _participant(row)

    async def place(self, participant: Participant) -> Participant:
        """Store a participant, new (id 0) or changed, and return it with its id."""
        row = msgspec.structs.asdict(participant)
        del row["id"]
        if participant.id:
            await self.connection.execute(
                update(participants).where(participants.c.id == participant.id).values(**row)
            )
            return participant
        added = await self.connection.execute(insert(participants).values(**row))
        return msgspec.structs.replace(participant, id=_new(added.inserted_primary_key))

    async def invited(self, meeting_id: int) -> list[int]:
        """Return the users who are invited and have not come yet."""
        rows = await self.connection.execute(
            select(participants.c.user_id)
            .where(
                participants.c.meeting_id == meeting_id,
                participants.c.status == Standing.INVITED,
            )
            .order_by(participants.c.id)
        )
        return list(rows.scalars())

    async def clear(self, meeting_id: int, now: datetime) -> None:
        """Make every joined participant left."""
        await self.connection.execute(
            update(participants)
            .where(
                participants.c.meeting_id == meeting_id,
                participants.c.status == Standing.JOINED,
            )
            .values(status=Standing.LEFT, left_at=now, online=False)
        )

    async def participants(
        self, meeting_id: int, *, everybody: bool, page: Page
    ) -> Found[Participant]:
        """Return the members of a meeting, or everybody whose row there is, by id."""
        wanted = [participants.c.meeting_id == meeting_id]
        if not everybody:
            wanted.append(participants.c.status.in_(_members))
        total = await self.connection.scalar(
            select(func.count()).select_from(participants).where(*wanted)
        )
        rows = await self._page(
            select(participants).where(*wanted).order_by(participants.c.id), page
        )
        return Found([_participant(row) for row in rows], total or 0)

    async def _page(self, wanted: Select[Any], page: Page) -> list[RowMapping]:
        rows = await self.connection.execute(wanted.offset(page.offset).limit(page.size))
        return list(rows.mappings())


def _new(key: Any) -> int:
    return int(key[0])


def _meeting(row: RowMapping) -> Meeting:
    fields = dict(row)
    fields["has_password"] = bool(fields.pop("password_hash"))
    fields["meeting_type"] = MeetingType(fields["meeting_type"])
    fields["status"] = Status(fields["status"])
    fields["settings"] = msgspec.convert(fields["settings"], Settings)
    return Meeting(**fields)


def _participant(row: RowMapping) -> Participant:
    fields = dict(row)
    fields["role"] = PartRole(fields["role"])
    fields["status"] = Standing(fields["status"])
    return Participant(**fields)
