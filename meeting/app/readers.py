"""Which consumers of the house read which topic, wherever they run: the log is kept for them.

Readers of one process, such as signalling's, are not among them: they begin at the log's end.
"""

from collections.abc import Mapping, Sequence

from meeting.app.modules import MEETING, NOTIFICATION
from meeting.domains.ai.events import TOPIC as AI_EVENTS
from meeting.domains.signaling.events import TOPIC as SIGNALING_EVENTS
from meeting.domains.user.events import TOPIC as USER_EVENTS

READERS: Mapping[str, Sequence[str]] = {
    AI_EVENTS: (MEETING,),
    SIGNALING_EVENTS: (MEETING,),
    USER_EVENTS: (MEETING, NOTIFICATION),
}
