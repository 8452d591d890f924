"""The routes of meetings: each reads its request, asks one use case, and shows what it gave."""

from collections.abc import Callable, Sequence
from typing import Annotated, Any, cast

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery, QueryParameter

from meeting.domains.ai.api import analysis_named
from meeting.domains.meeting.attendance import Attendance
from meeting.domains.meeting.lifecycle import Lifecycle
from meeting.domains.meeting.model import PartRole, Status
from meeting.domains.meeting.record import Source
from meeting.domains.meeting.results import Results
from meeting.domains.meeting.schedule import Schedule
from meeting.kernel.call import Call
from meeting.kernel.page import Page
from meeting.transports.http.analysis import AnalysisView
from meeting.transports.http.envelope import Envelope, Envelopes, Paged, paged
from meeting.transports.http.meeting.bodies import (
    CreateBody,
    InviteBody,
    JoinBody,
    choose,
    number,
    search,
    secret,
    word,
)
from meeting.transports.http.meeting.views import (
    JoinView,
    LineView,
    MeetingView,
    ParticipantView,
    WaitingView,
)

ROLES = (PartRole.PARTICIPANT, PartRole.MODERATOR, PartRole.PRESENTER)
SOURCES = {name: name for name in ("best", "live", "offline")}


def routes(
    *,
    schedule: Schedule,
    lifecycle: Lifecycle,
    attendance: Attendance,
    results: Results,
    envelope: Envelopes,
    websocket_url: Callable[[str], str],
    ice_servers: Sequence[dict[str, Any]] = (),
) -> list[HTTPRouteHandler]:
    """Make the routes; `websocket_url` and `ice_servers` are what a join tells its client.

    The first depends on the Host that the client's request named.
    """
    return [
        *_meetings(schedule, lifecycle, envelope),
        *_attendance(attendance, envelope, websocket_url, list(ice_servers)),
        *_results(results, envelope),
    ]


def _meetings(
    schedule: Schedule, lifecycle: Lifecycle, envelope: Envelopes
) -> list[HTTPRouteHandler]:
    @post("/meetings", status_code=201)
    async def create(data: CreateBody, call: Call) -> Envelope[MeetingView]:
        """Schedule a meeting."""
        made = await schedule.create(call, data.draft())
        return envelope(call, MeetingView.of(made), 201)

    @get("/meetings")
    async def listed(
        call: Call, page: Page, status: FromQuery[str] = "", q: FromQuery[str] = ""
    ) -> Envelope[Paged[MeetingView]]:
        """List the meetings that are not private, and one's own and invited ones."""
        found = await schedule.list(
            call,
            status=choose("status", status, *Status) if status else None,
            text=search(q),
            page=page,
        )
        return envelope(call, paged(found, page, MeetingView.of))

    @get("/meetings/{meeting_id:int}")
    async def shown(meeting_id: FromPath[int], call: Call) -> Envelope[MeetingView]:
        """Show a meeting."""
        return envelope(call, MeetingView.of(await schedule.get(call, meeting_id)))

    @post("/meetings/{meeting_id:int}/start", status_code=200)
    async def start(meeting_id: FromPath[int], call: Call) -> Envelope[MeetingView]:
        """Start a meeting, as its host."""
        return envelope(call, MeetingView.of(await lifecycle.start(call, meeting_id)))

    @post("/meetings/{meeting_id:int}/end", status_code=200)
    async def end(meeting_id: FromPath[int], call: Call) -> Envelope[MeetingView]:
        """End a meeting, as its host."""
        return envelope(call, MeetingView.of(await lifecycle.end(call, meeting_id)))

    return [create, listed, shown, start, end]


def _attendance(
    attendance: Attendance,
    envelope: Envelopes,
    websocket_url: Callable[[str], str],
    ice_servers: list[dict[str, Any]],
) -> list[HTTPRouteHandler]:
    @post("/meetings/{meeting_id:int}/join", status_code=200)
    async def join(
        meeting_id: FromPath[int],
        call: Call,
        request: Request[Any, Any, Any],
        data: JoinBody | None = None,
    ) -> Response[Envelope[JoinView] | Envelope[WaitingView]]:
        """Take a seat and get a ticket to the room: 200; or wait for approval: 202."""
        password = secret(data.password) if data is not None else None
        given = await attendance.join(call, meeting_id, password)
        if given.waiting:
            return Response(envelope(call, WaitingView(), 202), status_code=202)
        seat = given.participant
        view = JoinView(
            meeting=MeetingView.of(given.meeting),
            participant=ParticipantView.of(seat),
            meeting_id=meeting_id,
            room_id=given.meeting.room_id,
            participant_id=seat.id,
            role=seat.role.value,
            role_name=seat.role_name,
            websocket_url=websocket_url(request.headers.get("host", "")),
            ice_servers=ice_servers,
            session_token=given.ticket,
            token=given.ticket,
        )
        return Response(envelope(call, view), status_code=200)

    @post("/meetings/{meeting_id:int}/leave", status_code=200)
    async def leave(meeting_id: FromPath[int], call: Call) -> Envelope[MeetingView]:
        """Give one's seat back."""
        return envelope(call, MeetingView.of(await attendance.leave(call, meeting_id)))

    @get("/meetings/{meeting_id:int}/participants")
    async def participants(
        meeting_id: FromPath[int], call: Call, page: Page
    ) -> Envelope[Paged[ParticipantView]]:
        """List who takes part, for members."""
        found = await attendance.participants(call, meeting_id, page)
        return envelope(call, paged(found, page, ParticipantView.of))

    @post("/meetings/{meeting_id:int}/participants", status_code=201)
    async def invite(
        meeting_id: FromPath[int], data: InviteBody, call: Call
    ) -> Envelope[ParticipantView]:
        """Invite a user, as the host or a moderator."""
        role = choose("role", data.role, *ROLES)
        guest = await attendance.invite(call, meeting_id, data.user_id, role)
        return envelope(call, ParticipantView.of(guest), 201)

    return [join, leave, participants, invite]


def _results(results: Results, envelope: Envelopes) -> list[HTTPRouteHandler]:
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

    return [transcript, analysis]
