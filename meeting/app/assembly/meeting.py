"""The meeting domain."""

from collections.abc import Callable, Sequence

import msgspec
from litestar.handlers import HTTPRouteHandler

from meeting.app.assembly.stores import Stores
from meeting.app.assembly.workers import Desk
from meeting.app.config import Config
from meeting.app.module import Module
from meeting.app.modules import MEETING
from meeting.domains.ai import events as ai_events
from meeting.domains.meeting import tasks
from meeting.domains.meeting.acquaintance import appear, rename
from meeting.domains.meeting.attendance import Attendance
from meeting.domains.meeting.errands import Joiner, Leaver
from meeting.domains.meeting.lifecycle import Lifecycle
from meeting.domains.meeting.people import People
from meeting.domains.meeting.presence import PresenceKeeper
from meeting.domains.meeting.reporting import Reporter
from meeting.domains.meeting.results import Results
from meeting.domains.meeting.rooms import RoomMaker, Rooms
from meeting.domains.meeting.schedule import Schedule
from meeting.domains.meeting.service import MeetingService
from meeting.domains.meeting.speech import SpeechKeeper
from meeting.domains.signaling import events as signaling_events
from meeting.domains.user import events as user_events
from meeting.domains.user.api import UserApi
from meeting.kernel.clock import Clock
from meeting.kernel.consumer import Consumer
from meeting.kernel.password import Passwords
from meeting.kernel.token import Tokens
from meeting.stores.relational.meeting import SqlMeetingUnit
from meeting.transports.http import meeting as meeting_routes
from meeting.transports.http.address import socket_url
from meeting.transports.http.envelope import Envelopes


class Meetings(msgspec.Struct, frozen=True):
    """The meeting domain's faces."""

    module: Module
    desks: Sequence[Desk]
    service: MeetingService
    schedule: Schedule
    attendance: Attendance
    lifecycle: Lifecycle
    results: Results
    rooms: Rooms


def make(
    kept: Stores, users: UserApi, passwords: Passwords, tokens: Tokens, clock: Clock
) -> Meetings:
    """Make the meeting domain, with its queue and its readers of others' events."""
    units = kept.rows.units(SqlMeetingUnit)
    people = People(users)
    schedule = Schedule(units=units, clock=clock, people=people, passwords=passwords)
    attendance = Attendance(
        units=units, clock=clock, people=people, passwords=passwords, tokens=tokens
    )
    speech = SpeechKeeper(units=units, documents=kept.documents)
    results = Consumer(
        MEETING,
        ai_events.TOPIC,
        feed=kept.sole,
        units=units,
        handlers={
            ai_events.SpeechCompleted: speech.report,
        },
        effects={
            ai_events.SpeechCompleted: speech.keep,
        },
    )
    departures = Consumer(
        MEETING,
        signaling_events.TOPIC,
        feed=kept.sole,
        units=units,
        handlers={
            signaling_events.ConnectionClosed: PresenceKeeper(clock),
        },
        together=1,
    )
    news = Consumer(
        MEETING,
        user_events.TOPIC,
        feed=kept.sole,
        units=units,
        handlers={
            user_events.UserProfileUpdated: rename,
            user_events.UserStatusChanged: appear,
        },
        together=1,
    )
    desk = Desk(
        tasks.QUEUE,
        {
            tasks.CreateMeeting: RoomMaker(units),
            tasks.EndMeeting: Reporter(units=units, documents=kept.documents, clock=clock),
            tasks.JoinMeeting: Joiner(attendance),
            tasks.LeaveMeeting: Leaver(units=units, attendance=attendance, people=people),
        },
    )

    async def stop() -> None:
        passwords.close()

    return Meetings(
        module=Module(MEETING, background=[results.run, departures.run, news.run], stop=stop),
        desks=[desk],
        service=MeetingService(units=units, schedule=schedule, attendance=attendance),
        schedule=schedule,
        attendance=attendance,
        lifecycle=Lifecycle(units=units, clock=clock),
        results=Results(units=units, documents=kept.documents),
        rooms=Rooms(units),
    )


def routes(
    meetings: Meetings, config: Config, own: Callable[[], str], envelope: Envelopes
) -> Sequence[HTTPRouteHandler]:
    """Make the domain's HTTP routes; `own` is where signalling is, for who names no good Host."""
    urls = config.signaling.ice_urls
    return meeting_routes.routes(
        schedule=meetings.schedule,
        lifecycle=meetings.lifecycle,
        attendance=meetings.attendance,
        results=meetings.results,
        rooms=meetings.rooms,
        envelope=envelope,
        websocket_url=lambda host: socket_url(config.http.public_url, host, own()),
        ice_servers=[{"urls": list(urls)}] if urls else [],
    )
