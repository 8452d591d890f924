"""Keeps what was recognised: each result once, however often its event comes."""

import msgspec

from meeting.domains.ai.api import SPEECH
from meeting.domains.ai.events import SpeechCompleted
from meeting.domains.meeting.ports import MeetingUnit
from meeting.domains.meeting.record import (
    ANALYSES,
    TRANSCRIPTS,
    analysis_of,
    line_of,
    result_key,
)
from meeting.domains.meeting.reporting import renew
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.failpoint import failpoint
from meeting.kernel.message import Entry
from meeting.kernel.ports import Document, Documents, Units


class SpeechKeeper:
    """Handles `speech_recognition.completed` of `ai_events`, in two steps.

    Documents come first, by the result key, then the commit: a crash between the two repeats the
    event, and the same keys are put again.
    """

    def __init__(self, *, units: Units[MeetingUnit], documents: Documents) -> None:
        self._units = units
        self._documents = documents

    async def keep(self, event: SpeechCompleted, _entry: Entry) -> None:
        """Store the passage and the result; `meeting_not_found` where the meeting is unknown."""
        async with self._units.read() as unit:
            if await unit.meeting(event.meeting_id) is None:
                raise Fault(
                    Kind.MEETING_NOT_FOUND,
                    "a result for meeting {meeting}, which is not here",
                    meeting=event.meeting_id,
                )
            seat = await unit.seat(event.meeting_id, event.user_id)
        line = line_of(event, seat.username if seat else "")
        analysis = analysis_of(event)
        key = result_key(event.meeting_id, event.task_id, SPEECH, event.segment)
        await self._documents.put(
            TRANSCRIPTS,
            Document(
                key=key,
                meeting_id=event.meeting_id,
                user_id=event.user_id,
                kind=event.source,
                at=event.started_at,
                body=msgspec.to_builtins(line),
            ),
        )
        await self._documents.put(
            ANALYSES,
            Document(
                key=key,
                meeting_id=event.meeting_id,
                user_id=event.user_id,
                kind=SPEECH,
                at=event.timestamp,
                body=msgspec.to_builtins(analysis),
            ),
        )
        failpoint("document-cursor")

    async def report(self, unit: MeetingUnit, event: SpeechCompleted, _entry: Entry) -> None:
        """Have the report of a meeting that is over made again, with what was kept."""
        await renew(unit, event.meeting_id)
