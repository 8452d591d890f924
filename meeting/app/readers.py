"""Which consumers of the house read which topic, wherever they run: the log is kept for them.

Readers of one process, such as signalling's of tokens and rooms, are not among them: they begin at
the log's end.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from meeting.app.modules import MEETING, NOTIFICATION, SIGNALING
from meeting.domains.ai.events import TOPIC as AI_EVENTS
from meeting.domains.meeting.events import TOPIC as MEETING_EVENTS
from meeting.domains.signaling.changes import TOPIC as ROOMS
from meeting.domains.signaling.events import TOPIC as SIGNALING_EVENTS
from meeting.domains.user.events import TOPIC as USER_EVENTS

READERS: Mapping[str, Sequence[str]] = {
    AI_EVENTS: (MEETING,),
    MEETING_EVENTS: (SIGNALING,),
    SIGNALING_EVENTS: (MEETING,),
    USER_EVENTS: (MEETING, NOTIFICATION),
}

BRIEF: Mapping[str, timedelta] = {ROOMS: timedelta(minutes=15)}
"""Topics that nobody reads who was away for longer: a process's sockets are gone by then."""
