"""Making the report of a meeting that is over, and again when more becomes known about it.

Whoever adds to an ended meeting counts up how often its report was wanted, in the commit of what
was added; the report says up to which count it was made. So nothing that comes in while one is
being made is left out, a maker that was cut off spoils nothing, and nobody makes one in vain.
"""

from typing import Any

import msgspec

from meeting.domains.ai.api import REPORT
from meeting.domains.meeting import rights
from meeting.domains.meeting.lifecycle import finish
from meeting.domains.meeting.model import Meeting, Participant, RoomStatus, Status
from meeting.domains.meeting.ports import Mark, MeetingUnit
from meeting.domains.meeting.record import ANALYSES, Analysis, best, result_key
from meeting.domains.meeting.report import REPORTS, Report, compose, report_key, summary_id
from meeting.domains.meeting.results import passages
from meeting.domains.meeting.tasks import EndMeeting
from meeting.kernel.clock import Clock
from meeting.kernel.failpoint import failpoint
from meeting.kernel.page import MAX_SIZE, Page
from meeting.kernel.ports import Document, Documents, Units
from meeting.kernel.work import Work

GATHER_SECONDS = 10.0
"""What comes in within this goes into one new report."""


async def renew(unit: MeetingUnit, meeting_id: int) -> None:
    """Want the report of an ended meeting anew; of one that goes on there is none yet."""
    mark = await unit.reports.want(meeting_id)
    if mark is not None:
        again = EndMeeting(meeting_id=meeting_id)
        unit.enqueue(again, key=again.key(mark.made), delay=GATHER_SECONDS)


class Reporter:
    """Handles `meeting.end`: releases the room and makes the report; closes no sockets.

    Repeated, it finds that nothing more is wanted and does nothing.
    """

    def __init__(self, *, units: Units[MeetingUnit], documents: Documents, clock: Clock) -> None:
        self._units = units
        self._documents = documents
        self._clock = clock

    async def __call__(self, task: EndMeeting, work: Work) -> None:
        """End the meeting if nobody has, as its host would, and make what is wanted."""
        meeting_id = task.meeting_id
        async with self._units.write() as unit:
            meeting = rights.known(await unit.meeting(meeting_id, lock=True))
            if meeting.status is not Status.ENDED:
                meeting = await finish(unit, meeting, self._clock.now())
            await unit.rooms.set(meeting_id, RoomStatus.RELEASED)
            mark = await unit.reports.begin(meeting_id)
        if mark.due:
            await self._make(meeting, mark)
            failpoint("report-mark")
        async with self._units.write() as unit:
            left = await unit.reports.made(meeting_id, mark)
            if left.due:
                again = EndMeeting(meeting_id=meeting_id)
                unit.enqueue(again, key=again.key(left.made), delay=GATHER_SECONDS)
            await unit.settle(work.held)
        if mark.made and mark.due:
            await self._documents.delete(REPORTS, report_key(meeting_id, mark.made))

    async def _make(self, meeting: Meeting, mark: Mark) -> None:
        """Write the report down under the count that it answers."""
        live = await passages(self._documents, meeting.id, "live")
        offline = await passages(self._documents, meeting.id, "offline")
        seats = await self._seats(meeting.id)
        summary = await self._summary(meeting.id)
        report = compose(meeting, seats, best(live, offline), self._clock.now(), summary)
        found = await self._documents.get(REPORTS, report_key(meeting.id, mark.made))
        if found is not None:
            earlier = msgspec.convert(found.body, Report)
            report = earlier if report.says(earlier) else report.after(earlier)
        await self._documents.put(
            REPORTS,
            Document(
                key=report_key(meeting.id, mark.wanted),
                meeting_id=meeting.id,
                user_id=meeting.creator_id,
                kind=REPORT,
                at=report.generated_at,
                body=msgspec.to_builtins(report),
            ),
        )

    async def _summary(self, meeting_id: int) -> dict[str, Any] | None:
        """Return what the AI domain has found in the whole meeting, if it has said so."""
        key = result_key(meeting_id, summary_id(meeting_id), REPORT, 0)
        found = await self._documents.get(ANALYSES, key)
        return None if found is None else msgspec.convert(found.body, Analysis).result

    async def _seats(self, meeting_id: int) -> list[Participant]:
        seats: list[Participant] = []
        async with self._units.read() as unit:
            while True:
                page = Page(len(seats) // MAX_SIZE + 1, MAX_SIZE)
                found = await unit.participants(meeting_id, everybody=True, page=page)
                seats.extend(found.rows)
                if len(found.rows) < MAX_SIZE:
                    return seats
