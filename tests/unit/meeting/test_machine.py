"""The life of a meeting under any order of calls: what must hold after each of them."""

from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from meeting.domains.meeting import rules
from meeting.domains.meeting.events import MeetingEnded, MeetingStarted, UserJoined, UserLeft
from meeting.domains.meeting.model import (
    Meeting,
    MeetingType,
    Participant,
    PartRole,
    Settings,
    Standing,
    Status,
)
from meeting.kernel.errors import Fault
from meeting.kernel.message import Event

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOST = 1
users = st.integers(min_value=HOST, max_value=6)


class Life(RuleBasedStateMachine):
    """Plays hosts, guests and strangers against the rules, and keeps what was announced."""

    def __init__(self) -> None:
        super().__init__()
        self.now = NOON
        self.events: list[Event] = []
        self.seats: dict[int, Participant] = {}
        self.meeting: Meeting

    @initialize(
        seats=st.integers(min_value=1, max_value=3),
        kind=st.sampled_from(MeetingType),
        locked=st.booleans(),
        strict=st.booleans(),
    )
    def created(self, seats: int, kind: MeetingType, locked: bool, strict: bool) -> None:
        """Begin with a scheduled meeting that only its host belongs to."""
        self.meeting = Meeting(
            id=7,
            title="Any",
            creator_id=HOST,
            start_time=NOON,
            end_time=NOON + timedelta(hours=1),
            max_participants=seats,
            meeting_type=kind,
            has_password=locked,
            settings=Settings(require_approval=strict),
            created_at=NOON,
            updated_at=NOON,
        )
        self.seats[HOST] = self._row(HOST)

    def _row(self, user: int, number: int | None = None) -> Participant:
        return Participant(
            id=user if number is None else number,
            meeting_id=7,
            user_id=user,
            username=f"user{user}",
            full_name="",
            role=PartRole.HOST if user == HOST else PartRole.PARTICIPANT,
        )

    def _keep(self, meeting: Meeting, event: Event | None) -> None:
        assert meeting.version == self.meeting.version + (event is not None)
        self.meeting = meeting
        if event is not None:
            assert event.version == meeting.version  # type: ignore[attr-defined]
            self.events.append(event)

    @rule(minutes=st.integers(min_value=0, max_value=40))
    def time_passes(self, minutes: int) -> None:
        """Move the clock."""
        self.now += timedelta(minutes=minutes)

    @rule()
    def start(self) -> None:
        """Start, whatever the state."""
        try:
            self._keep(*rules.start(self.meeting, self.now, []))
        except Fault:
            assert self.meeting.status is not Status.ACTIVE

    @rule()
    def end(self) -> None:
        """End, whatever the state; the store clears the seats in the same commit."""
        try:
            self._keep(*rules.end(self.meeting, self.now))
        except Fault:
            assert self.meeting.status is Status.SCHEDULED
            return
        for user, seat in self.seats.items():
            if seat.status is Standing.JOINED:
                self.seats[user] = replace(seat, status=Standing.LEFT)

    @rule(user=users)
    def invite(self, user: int) -> None:
        """Invite who has no row yet."""
        self.seats.setdefault(user, self._row(user))

    @rule(user=users, known=st.booleans())
    def join(self, user: int, known: bool) -> None:
        """Join, with or without the password."""
        seat = self.seats.get(user, self._row(user, 0))
        before = self.meeting
        try:
            meeting, taken, event = rules.join(before, seat, password_known=known, now=self.now)
        except Fault:
            return
        if event is not None:
            assert before.joined < before.max_participants
            assert seat.id or not (before.private or before.settings.require_approval)
            assert known or not rules.needs_password(before, seat if seat.id else None)
            assert before.status is Status.ACTIVE or user == HOST
        self._keep(meeting, event)
        self.seats[user] = replace(taken, id=user)

    @rule(user=users)
    def leave(self, user: int) -> None:
        """Leave, joined or not."""
        if user in self.seats:
            meeting, left, event = rules.leave(
                self.meeting, self.seats[user], "user_left", self.now
            )
            self._keep(meeting, event)
            self.seats[user] = left

    @rule(user=users, standing=st.sampled_from([Standing.KICKED, Standing.REJECTED]))
    def remove(self, user: int, standing: Standing) -> None:
        """Remove who is not seated, as a moderator does."""
        seat = self.seats.get(user)
        if seat is not None and user != HOST and seat.status is not Standing.JOINED:
            self.seats[user] = replace(seat, status=standing)

    @invariant()
    def seats_add_up(self) -> None:
        """The count is the number of joined rows, and never above the bound."""
        joined = sum(seat.status is Standing.JOINED for seat in self.seats.values())
        assert self.meeting.joined == joined <= self.meeting.max_participants

    @invariant()
    def over_is_over(self) -> None:
        """Nobody sits in what has ended."""
        if self.meeting.status is Status.ENDED:
            assert self.meeting.joined == 0

    @invariant()
    def story_is_told_once(self) -> None:
        """One start, one end, versions without gap, and a leave only after a join."""
        told = [type(event) for event in self.events]
        assert told.count(MeetingStarted) <= 1
        assert told.count(MeetingEnded) <= 1
        versions = [event.version for event in self.events]  # type: ignore[attr-defined]
        assert versions == list(range(1, len(versions) + 1))
        seated: set[int] = set()
        for event in self.events:
            match event:
                case UserJoined(user_id=user):
                    assert user not in seated
                    seated.add(user)
                case UserLeft(user_id=user):
                    seated.remove(user)
                case MeetingEnded():
                    seated.clear()


TestLife = Life.TestCase
