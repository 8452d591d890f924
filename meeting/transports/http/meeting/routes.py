"""The routes of meetings: each reads its request, asks one use case, and shows what it gave."""

from collections.abc import Callable, Sequence
from typing import Any

from litestar import Request, Response, get, post
from litestar.handlers import HTTPRouteHandler
from litestar.params import FromPath, FromQuery

from meeting.domains.meeting.attendance import Attendance
from meeting.domains.meeting.lifecycle import Lifecycle
from meeting.domains.meeting.model import PartRole, Status
from meeting.domains.meeting.results import Results
from meeting.domains.meeting.rooms import Rooms
from meeting.domains.meeting.schedule import Schedule
from meeting.kernel.call import Call
from meeting.kernel.page import Page
from meeting.transports.http.envelope import Envelope, Envelopes, Paged, paged
from meeting.transports.http.meeting.bodies import (
    CreateBody,
    InviteBody,
    JoinBody,
    choose,
    search,
    secret,
)
from meeting.transports.http.meeting.results import routes as results_routes
from meeting.transports.http.meeting.rooms import routes as rooms_routes
from meeting.transports.http.meeting.views import (
    JoinView,
    MeetingView,
    ParticipantView,
    WaitingView,
)

ROLES = (PartRole.PARTICIPANT, PartRole.MODERATOR, PartRole.PRESENTER)


def routes(
    *,
    schedule: Schedule,
    lifecycle: Lifecycle,
    attendance: Attendance,
    results: Results,
    rooms: Rooms,
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
        *results_routes(results, envelope),
        *rooms_routes(rooms, envelope),
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
