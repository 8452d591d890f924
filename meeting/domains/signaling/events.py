"""What the signaling domain announces."""

from typing import ClassVar

from meeting.domains.meeting.events import LeaveReason
from meeting.kernel.message import Event

TOPIC = "signaling_events"


class ConnectionClosed(Event, frozen=True, kw_only=True):
    """A peer has gone; `last` when it was the user's last one in that room."""

    TYPE: ClassVar[str] = "webrtc.connection_closed"
    TOPIC: ClassVar[str] = TOPIC
    room_id: str
    user_id: int
    reason: LeaveReason
    peer_connection_id: str
    last: bool
