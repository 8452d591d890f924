"""What was found out in a meeting, from the AI domain's own rows."""

from meeting.domains.ai.admission import Admission
from meeting.domains.ai.api import analysis_named
from meeting.domains.ai.model import Analysis
from meeting.domains.ai.ports import AiUnit
from meeting.kernel.call import Call
from meeting.kernel.page import Found, Page
from meeting.kernel.ports import Units


class History:
    """Reads results back for the members of a meeting."""

    def __init__(self, units: Units[AiUnit], admission: Admission) -> None:
        self._units = units
        self._admission = admission

    async def analyses(
        self, call: Call, meeting_id: int, analysis_type: str, page: Page
    ) -> Found[Analysis]:
        """Return a page of results, newest first; an empty type means all."""
        wanted = analysis_named(analysis_type) if analysis_type else ""
        await self._admission.read(call, meeting_id)
        async with self._units.read() as unit:
            return await unit.list(meeting_id, wanted, page)
