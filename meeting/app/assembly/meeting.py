"""The meeting domain."""

from collections.abc import Callable

import msgspec

from meeting.app.assembly.part import Part
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
from meeting.domains.meeting.findings import Findings
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
from meeting.transports.grpc.meeting import served
from meeting.transports.http import meeting as meeting_routes
from meeting.transports.http.address import socket_url
from meeting.transports.http.envelope import Envelopes


class Meetings(msgspec.Struct, frozen=True):
    """The meeting domain of this process."""

    part: Part
    service: MeetingService


def make(
    config: Config,
    kept: Stores,
    users: UserApi,
    passwords: Passwords,
    tokens: Tokens,
    own: Callable[[], str],
    clock: Clock,
) -> Meetings:
    """Make the meeting domain, with its queue and its readers of others' events.

    `own` tells where signalling is, for a client that names no good Host.
    """
    units = kept.rows.units(SqlMeetingUnit)
    people = People(users)
    schedule = Schedule(units=units, clock=clock, people=people, passwords=passwords)
    attendance = Attendance(
        units=units, clock=clock, people=people, passwords=passwords, tokens=tokens
    )
    lifecycle = Lifecycle(units=units, clock=clock)
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

    urls = config.signaling.ice_urls
    routes = meeting_routes.routes(
        schedule=schedule,
        lifecycle=lifecycle,
        attendance=attendance,
        results=Results(units=units, documents=kept.documents),
        rooms=Rooms(units),
        envelope=Envelopes(clock),
        websocket_url=lambda host: socket_url(config.http.public_url, host, own()),
        ice_servers=[{"urls": list(urls)}] if urls else [],
    )

    async def stop() -> None:
        passwords.close()

    service = MeetingService(
        units=units,
        schedule=schedule,
        attendance=attendance,
        lifecycle=lifecycle,
        findings=Findings(units=units, documents=kept.documents, clock=clock),
    )
    module = Module(MEETING, background=[results.run, departures.run, news.run], stop=stop)
    part = Part(module=module, routes=routes, rpcs=served(service), desks=[desk])
    return Meetings(part=part, service=service)
