"""Reading what was said in a meeting and what was found in it, for its members."""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from meeting.domains.meeting import rights, rules
from meeting.domains.meeting.ports import MeetingUnit
from meeting.domains.meeting.record import ANALYSES, TRANSCRIPTS, Analysis, Line, Source, best
from meeting.domains.meeting.report import REPORTS, Report, report_key
from meeting.kernel.call import Call
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.page import MAX_SIZE, Found, Page
from meeting.kernel.ports import Document, Documents, Units

T = TypeVar("T")
LOOKS = 3
"""A newer report may take the place of one between the look for it and the reading."""


class Results:
    """Shows transcripts and analyses; the AI process is not needed for it."""

    def __init__(self, *, units: Units[MeetingUnit], documents: Documents) -> None:
        self._units = units
        self._documents = documents

    async def transcript(
        self, call: Call, meeting_id: int, *, source: Source, user_id: int | None, page: Page
    ) -> Found[Line]:
        """Return passages by time; `best` lets offline text replace live text."""
        await self._member(call, meeting_id)
        if source == "best":
            offline = await self._find(meeting_id, "offline", user_id, Page(1, 1))
            if offline.total:
                return await self._merged(meeting_id, user_id, page)
            source = "live"
        found = await self._find(meeting_id, source, user_id, page)
        return _read(found, _line)

    async def analysis(
        self, call: Call, meeting_id: int, *, kind: str | None, user_id: int | None, page: Page
    ) -> Found[Analysis]:
        """Return results, the newest first."""
        await self._member(call, meeting_id)
        found = await self._documents.find(
            ANALYSES,
            meeting_id=meeting_id,
            user_id=user_id,
            kind=kind,
            newest_first=True,
            page=page,
        )
        return _read(found, lambda document: msgspec.convert(document.body, Analysis))

    async def report(self, call: Call, meeting_id: int) -> Report:
        """Return the newest report, for a member, of a meeting that has ended."""
        for _ in range(LOOKS):
            async with self._units.read() as unit:
                seat = await unit.seat(meeting_id, call.caller.user_id)
                meeting = rights.seen(await unit.meeting(meeting_id), seat)
                rights.belongs(seat)
                rules.reported(meeting)
                mark = await unit.reports.mark(meeting_id)
            if mark is None or not mark.made:
                break
            found = await self._documents.get(REPORTS, report_key(meeting_id, mark.made))
            if found is not None:
                return msgspec.convert(found.body, Report)
        raise Fault(Kind.NOT_FOUND, "the report is not made yet; ask again in a moment")

    async def _member(self, call: Call, meeting_id: int) -> None:
        async with self._units.read() as unit:
            seat = await unit.seat(meeting_id, call.caller.user_id)
            rights.seen(await unit.meeting(meeting_id), seat)
            rights.belongs(seat)

    async def _find(
        self, meeting_id: int, source: str, user_id: int | None, page: Page
    ) -> Found[Document]:
        return await self._documents.find(
            TRANSCRIPTS, meeting_id=meeting_id, user_id=user_id, kind=source, page=page
        )

    async def _merged(self, meeting_id: int, user_id: int | None, page: Page) -> Found[Line]:
        lines = best(
            await passages(self._documents, meeting_id, "live", user_id),
            await passages(self._documents, meeting_id, "offline", user_id),
        )
        return Found(lines[page.offset : page.offset + page.size], len(lines))


async def passages(
    documents: Documents, meeting_id: int, source: str, user_id: int | None = None
) -> list[Line]:
    """Read all passages of one source: what replaces what can't be seen on a page alone."""
    lines: list[Line] = []
    number = 1
    while True:
        found = await documents.find(
            TRANSCRIPTS,
            meeting_id=meeting_id,
            user_id=user_id,
            kind=source,
            page=Page(number, MAX_SIZE),
        )
        lines.extend(_read(found, _line).rows)
        if number * MAX_SIZE >= found.total:
            return lines
        number += 1


def _line(document: Document) -> Line:
    return msgspec.convert(document.body, Line)


def _read(found: Found[Document], convert: Callable[[Document], T]) -> Found[T]:
    return Found([convert(document) for document in found.rows], found.total)
