"""Frees the seat of a user whose last peer has gone, so that no ghosts stay in a meeting."""

from meeting.domains.meeting import rules
from meeting.domains.meeting.ports import MeetingUnit
from meeting.domains.signaling.events import ConnectionClosed
from meeting.kernel.clock import Clock
from meeting.kernel.ids import meeting_of
from meeting.kernel.message import Entry


class PresenceKeeper:
    """Handles `webrtc.connection_closed` of `signaling_events`."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def __call__(self, unit: MeetingUnit, event: ConnectionClosed, entry: Entry) -> None:
        """Make the participant left if this was the last peer and the user has not come again."""
        meeting_id = meeting_of(event.room_id)
        if not event.last or meeting_id is None:
            return
        meeting = await unit.meeting(meeting_id, lock=True)
        seat = await unit.seat(meeting_id, event.user_id, lock=True)
        if meeting is None or seat is None or not rules.gone(seat, entry.message.at):
            return
        after, left, announced = rules.leave(meeting, seat, event.reason, self._clock.now())
        if announced is not None:
            await unit.place(left)
            await unit.save(after)
            unit.append(announced)
