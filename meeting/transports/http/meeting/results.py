"""The routes of what was said in a meeting, found in it, and kept of it."""

from typing import Annotated, cast

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter

from meeting.domains.ai.api import analysis_named
from meeting.domains.meeting.record import Source
from meeting.domains.meeting.results import Results
from meeting.kernel.call import Call
from meeting.kernel.page import Page
from meeting.transports.http.analysis import AnalysisView
from meeting.transports.http.envelope import Envelope, Envelopes, Paged, paged
from meeting.transports.http.meeting.bodies import number, word
from meeting.transports.http.meeting.views import LineView, ReportView

SOURCES = {name: name for name in ("best", "live", "offline")}


def routes(results: Results, envelope: Envelopes) -> list[HTTPRouteHandler]:
    """Make the routes."""

    @get("/meetings/{meeting_id:int}/transcript")
    async def transcript(
        meeting_id: FromPath[int],
        call: Call,
        page: Page,
        source: FromQuery[str] = "best",
        user_id: FromQuery[str] = "",
    ) -> Envelope[Paged[LineView]]:
        """Read what was said, for members."""
        found = await results.transcript(
            call,
            meeting_id,
            source=cast("Source", word("source", source, SOURCES)),
            user_id=number("user_id", user_id),
            page=page,
        )
        return envelope(call, paged(found, page, LineView.of))

    @get("/meetings/{meeting_id:int}/analysis")
    async def analysis(
        meeting_id: FromPath[int],
        call: Call,
        page: Page,
        kind: Annotated[str, QueryParameter(name="type", description="a task, or its alias")] = "",
        user_id: FromQuery[str] = "",
    ) -> Envelope[Paged[AnalysisView]]:
        """Read what was found, for members, the newest first."""
        found = await results.analysis(
            call,
            meeting_id,
            kind=analysis_named(kind) if kind else None,
            user_id=number("user_id", user_id),
            page=page,
        )
        return envelope(call, paged(found, page, AnalysisView.of))

    @get("/meetings/{meeting_id:int}/report")
    async def report(meeting_id: FromPath[int], call: Call) -> Envelope[ReportView]:
        """Read what is kept of a meeting that has ended, for members."""
        return envelope(call, ReportView.of(await results.report(call, meeting_id)))

    return [transcript, analysis, report]
