"""What may happen to a meeting and to those who take part: pure functions on frozen values.

Each returns new values and the event to announce, or raises a `Fault`. Checks stand in the order
of the contract: absent or hidden, forbidden, wrong state.
"""

from datetime import datetime

from msgspec.structs import replace

from meeting.domains.meeting import rights
from meeting.domains.meeting.events import (
    LeaveReason,
    MeetingEnded,
    MeetingStarted,
    UserJoined,
    UserLeft,
)
from meeting.domains.meeting.model import (
    SHOWN,
    Meeting,
    Participant,
    PartRole,
    Standing,
    Status,
)
from meeting.kernel.errors import Fault, Kind


def start(
    meeting: Meeting, now: datetime, invited: list[int]
) -> tuple[Meeting, MeetingStarted | None]:
    """Make a scheduled meeting active; an active one stays as it is, without an event."""
    if meeting.status is Status.ACTIVE:
        return meeting, None
    if meeting.status is not Status.SCHEDULED:
        raise _over(meeting)
    if now >= meeting.end_time:
        raise Fault(Kind.MEETING_ENDED, "the meeting's end_time has passed; create another meeting")
    after = replace(
        meeting,
        status=Status.ACTIVE,
        actual_start_time=now,
        version=meeting.version + 1,
        updated_at=now,
    )
    told = [meeting.creator_id, *(user for user in invited if user != meeting.creator_id)]
    return after, MeetingStarted(
        meeting_id=meeting.id, actual_start_time=now, version=after.version, user_ids=told
    )


def end(meeting: Meeting, now: datetime) -> tuple[Meeting, MeetingEnded | None]:
    """End an active meeting; an ended one stays as it is. Who is joined becomes left with it."""
    if meeting.status is Status.ENDED:
        return meeting, None
    if meeting.status is Status.CANCELLED:
        raise _over(meeting)
    if meeting.actual_start_time is None:
        raise Fault(Kind.MEETING_NOT_STARTED, "the meeting has not started; start it first")
    after = replace(
        meeting,
        status=Status.ENDED,
        actual_end_time=now,
        version=meeting.version + 1,
        joined=0,
        updated_at=now,
    )
    duration = max(0, int((now - meeting.actual_start_time).total_seconds()))
    return after, MeetingEnded(
        meeting_id=meeting.id, end_time=now, duration=duration, version=after.version
    )


def cancel(meeting: Meeting, now: datetime) -> Meeting:
    """Cancel a scheduled meeting; a cancelled one stays as it is. Nothing is announced of it."""
    if meeting.status is Status.CANCELLED:
        return meeting
    if meeting.status is Status.ACTIVE:
        raise Fault(Kind.CONFLICT, "the meeting is active; end it first")
    if meeting.status is not Status.SCHEDULED:
        raise _over(meeting)
    return replace(meeting, status=Status.CANCELLED, updated_at=now)


def reschedule(meeting: Meeting) -> None:
    """Refuse to make a meeting one that has not begun, unless it is one."""
    if meeting.status is Status.ACTIVE:
        raise Fault(Kind.CONFLICT, "the meeting is active and can't be scheduled any more")
    if meeting.status is not Status.SCHEDULED:
        raise _over(meeting)


def open_room(meeting: Meeting) -> None:
    """Refuse to prepare the room of a meeting that is over."""
    if meeting.status in (Status.ENDED, Status.CANCELLED):
        raise _over(meeting)


def close_room(meeting: Meeting) -> None:
    """Refuse to release the room of a meeting that goes on."""
    if meeting.status is Status.ACTIVE:
        raise Fault(Kind.CONFLICT, "the meeting is active; end it first")


def reported(meeting: Meeting) -> None:
    """Refuse the report of a meeting that has not ended."""
    if meeting.status is not Status.ENDED:
        raise Fault(Kind.CONFLICT, "there is a report once the meeting has ended")


def shown(seat: Participant, *, online: bool) -> Participant:
    """Return a seat as its user is online or not; only the invited and the joined are shown so."""
    return replace(seat, online=online and seat.status in SHOWN)


def stay(seat: Participant, until: datetime) -> int:
    """Return for how many seconds a participant was there, in all stays together."""
    if seat.joined_at is None:
        return seat.stayed
    last = (seat.left_at or until) - seat.joined_at
    return seat.stayed + max(0, int(last.total_seconds()))


def needs_password(meeting: Meeting, seat: Participant | None) -> bool:
    """Tell whether this user must name the password: not the host, nor who named it before."""
    return meeting.has_password and (
        seat is None or (seat.status is Standing.INVITED and seat.role is not PartRole.HOST)
    )


def join(
    meeting: Meeting, seat: Participant, *, password_known: bool, now: datetime
) -> tuple[Meeting, Participant, UserJoined | None]:
    """Take a seat, or a place in the waiting room; who holds one keeps it, without an event.

    `seat` is the stored row or, with id 0, one made by `people.newcomer` for a user who has none.
    """
    stored = seat if seat.id else None
    rights.seen(meeting, stored)
    if seat.status in (Standing.KICKED, Standing.REJECTED):
        raise Fault(Kind.FORBIDDEN, "you were removed from this meeting and may not come back")
    if seat.status is Standing.JOINED:
        return meeting, replace(seat, arrived_at=now), None
    if needs_password(meeting, stored) and not password_known:
        raise Fault(Kind.BAD_MEETING_PASSWORD, "the meeting's password is missing or wrong")
    if meeting.status in (Status.ENDED, Status.CANCELLED):
        raise _over(meeting)
    if meeting.status is Status.SCHEDULED and seat.role is not PartRole.HOST:
        raise Fault(
            Kind.MEETING_NOT_STARTED, "the meeting has not started; only the host may join now"
        )
    if meeting.joined >= meeting.max_participants:
        raise Fault(
            Kind.MEETING_FULL,
            "all {seats} seats are taken; try again when somebody has left",
            seats=meeting.max_participants,
        )
    asks = stored is None and meeting.settings.require_approval
    if asks or seat.status is Standing.WAITING:
        return meeting, replace(seat, status=Standing.WAITING), None
    return _seated(meeting, seat, now)


def leave(
    meeting: Meeting, seat: Participant, reason: LeaveReason, now: datetime
) -> tuple[Meeting, Participant, UserLeft | None]:
    """Free a seat; who holds none stays as they are, without an event."""
    if seat.status is not Standing.JOINED:
        return meeting, seat, None
    after = replace(meeting, version=meeting.version + 1, joined=meeting.joined - 1, updated_at=now)
    left = replace(seat, status=Standing.LEFT, left_at=now, online=False)
    return (
        after,
        left,
        UserLeft(
            meeting_id=meeting.id,
            user_id=seat.user_id,
            left_at=now,
            reason=reason,
            version=after.version,
        ),
    )


def gone(seat: Participant | None, at: datetime) -> bool:
    """Tell whether a last peer that went at `at` frees this seat: not if the user came later."""
    if seat is None or seat.status is not Standing.JOINED:
        return False
    return seat.arrived_at is None or seat.arrived_at <= at


def _seated(
    meeting: Meeting, seat: Participant, now: datetime
) -> tuple[Meeting, Participant, UserJoined]:
    after = replace(meeting, version=meeting.version + 1, joined=meeting.joined + 1, updated_at=now)
    taken = replace(
        seat,
        status=Standing.JOINED,
        joined_at=now,
        arrived_at=now,
        left_at=None,
        stayed=stay(seat, now),
    )
    return (
        after,
        taken,
        UserJoined(
            meeting_id=meeting.id,
            user_id=seat.user_id,
            username=seat.username,
            joined_at=now,
            version=after.version,
        ),
    )


def _over(meeting: Meeting) -> Fault:
    how = "was cancelled" if meeting.status is Status.CANCELLED else "has ended"
    return Fault(Kind.MEETING_ENDED, "the meeting {how}", how=how)
