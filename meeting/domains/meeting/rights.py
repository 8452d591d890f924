"""Who may know of a meeting, and who may do what with it: refusals, on frozen values."""

from meeting.domains.meeting.model import Meeting, Participant
from meeting.kernel.errors import Fault, Kind


def seen(meeting: Meeting | None, seat: Participant | None) -> Meeting:
    """Return the meeting to who may know of it; a private one is hidden from all but members."""
    if meeting is None or (meeting.private and (seat is None or not seat.member)):
        raise Fault(Kind.MEETING_NOT_FOUND, "there is no such meeting")
    return meeting


def known(meeting: Meeting | None) -> Meeting:
    """Return a meeting that is there, to whoever may know of all."""
    if meeting is None:
        raise Fault(Kind.MEETING_NOT_FOUND, "there is no such meeting")
    return meeting


def belongs(seat: Participant | None) -> Participant:
    """Return the seat of a member; what a meeting holds is for members alone."""
    if seat is None or not seat.member:
        raise Fault(Kind.FORBIDDEN, "only members of the meeting may see this; join it first")
    return seat


def moderates(seat: Participant | None) -> Participant:
    """Return the seat of the host or a moderator."""
    if seat is None or not seat.moderates:
        raise Fault(Kind.FORBIDDEN, "only the host and moderators may do this")
    return seat


def hosts(meeting: Meeting, user_id: int) -> None:
    """Refuse everybody but the creator."""
    if meeting.creator_id != user_id:
        raise Fault(Kind.FORBIDDEN, "only the host may do this")
