"""Who may start, end, join and read: the rules of the meeting domain, without any store."""

from datetime import UTC, datetime, timedelta

import pytest
from msgspec.structs import replace

from meeting.domains.meeting import rights, rules
from meeting.domains.meeting.model import (
    Meeting,
    MeetingType,
    Participant,
    PartRole,
    Settings,
    Standing,
    Status,
)
from meeting.kernel.errors import Fault, Kind

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
HOST, GUEST = 1, 2


def a_meeting(**fields: object) -> Meeting:
    """Make a meeting from noon to one, hosted by user 1."""
    meeting = Meeting(
        id=7,
        title="Stand-up",
        creator_id=HOST,
        start_time=NOON,
        end_time=NOON + HOUR,
        version=1,
        created_at=NOON,
        updated_at=NOON,
    )
    return replace(meeting, **fields)


def a_seat(user_id: int = GUEST, **fields: object) -> Participant:
    """Make a stored row of a participant."""
    seat = Participant(
        id=user_id,
        meeting_id=7,
        user_id=user_id,
        username=f"user{user_id}",
        full_name="",
        role=PartRole.HOST if user_id == HOST else PartRole.PARTICIPANT,
    )
    return replace(seat, **fields)


ACTIVE = a_meeting(status=Status.ACTIVE, actual_start_time=NOON)


def refused(kind: Kind, meeting: Meeting, seat: Participant, *, known: bool = False) -> None:
    """Assert that a join is refused with this kind."""
    with pytest.raises(Fault) as caught:
        rules.join(meeting, seat, password_known=known, now=NOON)
    assert caught.value.kind is kind


def test_starting_again_changes_nothing() -> None:
    """The second start gives the same meeting and no event."""
    started, event = rules.start(a_meeting(), NOON, [HOST, GUEST])
    assert event is not None
    assert event.user_ids == [HOST, GUEST]
    assert event.version == started.version == 2
    assert rules.start(started, NOON + HOUR, []) == (started, None)


def test_a_meeting_whose_time_has_passed_does_not_start() -> None:
    """Up to its end_time a meeting can be started, at it no more."""
    rules.start(a_meeting(), NOON + HOUR - timedelta(microseconds=1), [])
    with pytest.raises(Fault) as caught:
        rules.start(a_meeting(), NOON + HOUR, [])
    assert caught.value.kind is Kind.MEETING_ENDED


def test_an_end_needs_a_start_and_happens_once() -> None:
    """A scheduled meeting can't end; an active one ends once, with its length in seconds."""
    with pytest.raises(Fault) as caught:
        rules.end(a_meeting(), NOON)
    assert caught.value.kind is Kind.MEETING_NOT_STARTED
    ended, event = rules.end(replace(ACTIVE, joined=2), NOON + timedelta(seconds=90.7))
    assert event is not None
    assert (event.duration, ended.joined, ended.status) == (90, 0, Status.ENDED)
    assert rules.end(ended, NOON + HOUR) == (ended, None)


def test_a_cancelled_meeting_neither_starts_nor_ends() -> None:
    """Cancelled is final."""
    cancelled = a_meeting(status=Status.CANCELLED)
    for verb in (lambda: rules.start(cancelled, NOON, []), lambda: rules.end(cancelled, NOON)):
        with pytest.raises(Fault) as caught:
            verb()
        assert caught.value.kind is Kind.MEETING_ENDED


def test_the_last_seat_is_the_last() -> None:
    """Who comes when max_participants are joined is refused, the host too."""
    full = replace(ACTIVE, max_participants=2, joined=2)
    refused(Kind.MEETING_FULL, full, a_seat())
    refused(Kind.MEETING_FULL, full, a_seat(HOST))
    _, seat, event = rules.join(replace(full, joined=1), a_seat(), password_known=False, now=NOON)
    assert (seat.status, event is not None) == (Standing.JOINED, True)


def test_before_the_start_only_the_host_may_join() -> None:
    """A guest of a scheduled meeting has to wait for its start."""
    refused(Kind.MEETING_NOT_STARTED, a_meeting(), a_seat())
    _, seat, _ = rules.join(a_meeting(), a_seat(HOST), password_known=False, now=NOON)
    assert seat.status is Standing.JOINED


@pytest.mark.parametrize("status", [Status.ENDED, Status.CANCELLED])
def test_nobody_joins_what_is_over(status: Status) -> None:
    """An ended or cancelled meeting takes nobody, not even who was in it."""
    over = a_meeting(status=status)
    refused(Kind.MEETING_ENDED, over, a_seat(status=Standing.LEFT))
    refused(Kind.MEETING_ENDED, over, a_seat(HOST))


def test_a_private_meeting_is_hidden_from_all_but_members() -> None:
    """Strangers and the removed hear that there is no such meeting; the invited get in."""
    private = replace(ACTIVE, meeting_type=MeetingType.PRIVATE)
    refused(Kind.MEETING_NOT_FOUND, private, a_seat(id=0))
    for standing in (Standing.KICKED, Standing.REJECTED, Standing.WAITING):
        refused(Kind.MEETING_NOT_FOUND, private, a_seat(status=standing))
    _, seat, _ = rules.join(private, a_seat(), password_known=False, now=NOON)
    assert seat.status is Standing.JOINED


@pytest.mark.parametrize("standing", [Standing.KICKED, Standing.REJECTED])
def test_the_removed_may_not_come_back(standing: Standing) -> None:
    """Kicked or rejected is forbidden, before any other check of a public meeting."""
    full = replace(ACTIVE, has_password=True, max_participants=1, joined=1)
    refused(Kind.FORBIDDEN, full, a_seat(status=standing), known=True)


def test_the_password_is_asked_once() -> None:
    """Strangers and the invited must name it; the host and who was in before need not."""
    locked = replace(ACTIVE, has_password=True)
    refused(Kind.BAD_MEETING_PASSWORD, locked, a_seat(id=0))
    refused(Kind.BAD_MEETING_PASSWORD, locked, a_seat())
    for seat in (a_seat(HOST), a_seat(status=Standing.LEFT)):
        _, taken, _ = rules.join(locked, seat, password_known=False, now=NOON)
        assert taken.status is Standing.JOINED
    _, taken, _ = rules.join(locked, a_seat(id=0), password_known=True, now=NOON)
    assert taken.status is Standing.JOINED


def test_a_wrong_password_is_heard_before_the_state() -> None:
    """Forbidden comes before conflict, so that a stranger learns nothing about the state."""
    refused(Kind.BAD_MEETING_PASSWORD, a_meeting(has_password=True), a_seat(id=0))


def test_strangers_wait_for_approval_and_the_invited_do_not() -> None:
    """Under require_approval a stranger waits, however often they ask."""
    strict = replace(ACTIVE, settings=Settings(require_approval=True))
    for seat in (a_seat(id=0), a_seat(status=Standing.WAITING)):
        meeting, waits, event = rules.join(strict, seat, password_known=False, now=NOON)
        assert (waits.status, event, meeting) == (Standing.WAITING, None, strict)
    for seat in (a_seat(), a_seat(HOST)):
        _, taken, _ = rules.join(strict, seat, password_known=False, now=NOON)
        assert taken.status is Standing.JOINED


def test_joining_again_keeps_the_seat_and_says_nothing() -> None:
    """A repeated join has no event and needs no free seat; it notes that the user came again."""
    full = replace(ACTIVE, max_participants=1, joined=1, has_password=True)
    seat = a_seat(status=Standing.JOINED, joined_at=NOON, arrived_at=NOON)
    later = NOON + HOUR
    meeting, again, event = rules.join(full, seat, password_known=False, now=later)
    assert (meeting, event, again.joined_at, again.arrived_at) == (full, None, NOON, later)


def test_leaving_frees_the_seat_once() -> None:
    """The second leave has no event and frees nothing."""
    seat = a_seat(status=Standing.JOINED)
    meeting, left, event = rules.leave(replace(ACTIVE, joined=2), seat, "user_left", NOON)
    assert event is not None
    assert (meeting.joined, left.status, event.reason) == (1, Standing.LEFT, "user_left")
    assert rules.leave(meeting, left, "user_left", NOON) == (meeting, left, None)


def test_waiting_does_not_turn_into_membership_by_leaving() -> None:
    """Who waits and leaves is not `left`: a left participant may read the transcript."""
    seat = a_seat(status=Standing.WAITING)
    _, after, _ = rules.leave(ACTIVE, seat, "user_left", NOON)
    assert not after.member


def test_late_news_of_an_old_socket_does_not_unseat() -> None:
    """A last peer that went before the user came again frees nothing."""
    seat = a_seat(status=Standing.JOINED, arrived_at=NOON)
    assert rules.gone(seat, NOON + HOUR)
    assert not rules.gone(seat, NOON - HOUR)
    assert not rules.gone(replace(seat, status=Standing.LEFT), NOON + HOUR)
    assert not rules.gone(None, NOON)


@pytest.mark.parametrize("standing", list(Standing))
def test_only_members_read_and_only_moderators_decide(standing: Standing) -> None:
    """Invited, joined and left read; a moderator who was removed decides nothing."""
    moderator = a_seat(status=standing, role=PartRole.MODERATOR)
    member = standing in (Standing.INVITED, Standing.JOINED, Standing.LEFT)
    assert moderator.moderates is moderator.member is member
    for rule in (rights.belongs, rights.moderates):
        if member:
            assert rule(moderator) is moderator
        else:
            with pytest.raises(Fault):
                rule(moderator)


def test_a_moderator_is_no_host() -> None:
    """Ending and starting are the creator's alone."""
    rights.hosts(ACTIVE, HOST)
    with pytest.raises(Fault) as caught:
        rights.hosts(ACTIVE, GUEST)
    assert caught.value.kind is Kind.FORBIDDEN
