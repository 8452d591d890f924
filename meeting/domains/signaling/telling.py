"""What a room's members are told of a change: frames, encoded once for all of them."""

from meeting.domains.meeting.events import LeaveReason
from meeting.domains.signaling import frames
from meeting.domains.signaling.changes import Change, RosterChanged, SeatFreed, SeatTaken
from meeting.domains.signaling.model import Place


def told(change: Change) -> list[bytes]:
    """Encode the frames about a change, in the order in which they are sent."""
    match change:
        case SeatTaken():
            return [
                frames.encode(
                    "user_joined",
                    room_id=change.room_id,
                    meeting_id=change.meeting_id,
                    user_id=change.user_id,
                    username=change.username,
                )
            ]
        case SeatFreed():
            return [
                frames.encode(
                    "user_left",
                    room_id=change.room_id,
                    meeting_id=change.meeting_id,
                    user_id=change.user_id,
                    reason=change.reason,
                )
            ]
        case RosterChanged(ended=True):
            ended = frames.encode(
                "meeting_ended", meeting_id=change.meeting_id, room_id=change.room_id
            )
            return [ended]
        case RosterChanged():
            changed = frames.encode(
                "roster",
                version=change.version,
                joined=[place.peer_id for place in change.joined],
                left=[gone.place.peer_id for gone in change.left],
            )
            return [
                *(_left(gone.place, gone.reason) for gone in change.left),
                *(_joined(place) for place in change.joined),
                changed,
            ]


def _joined(place: Place) -> bytes:
    return frames.encode(
        "user_joined",
        room_id=place.room_id,
        meeting_id=place.meeting_id,
        user_id=place.user_id,
        username=place.username,
        peer_id=place.peer_id,
    )


def _left(place: Place, reason: LeaveReason) -> bytes:
    return frames.encode(
        "user_left",
        room_id=place.room_id,
        meeting_id=place.meeting_id,
        user_id=place.user_id,
        username=place.username,
        peer_id=place.peer_id,
        reason=reason,
    )
