"""Who may make which call of gRPC: every call of every port, by everybody.

The calls are those that the ports tell of by reflection, and of which the policy table has a row;
one without a row here fails.
"""

from asyncio import gather
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import pytest
from google.protobuf.descriptor import MethodDescriptor

from meeting.transports.policy import LATER, RPCS, Who
from tests.stories.access import GRPC, ROLES, Cast, cast, hides, verdict
from tests.stories.caller import Caller
from tests.stories.house import SECRET
from tests.stories.proto import Stub
from tests.stories.visit import Visit, until

pytestmark = pytest.mark.story
OPEN, BOTH, SERVICE = "......", "1.....", "13.333"
SEEN, MEMBER = "1-.-..", "1x.x.."
NONE = "FAILED_PRECONDITION"
"""There is no model."""
SOUND = bytes(3200)
SHAPE = {"format": "rgb24", "width": 1, "height": 1}
LIST = {"list_services": "*"}


class Asked:
    """What the fields of a row are made of."""

    def __init__(self, cast: Cast, role: str, meeting_id: int) -> None:
        self.me = {"user_id": cast.id_of(role)}
        self.other = {"user_id": cast.people["stranger" if role == "host" else "host"].user_id}
        self.token = cast.people["host"].token
        self.meeting = {"meeting_id": meeting_id}
        self.room = {"room_id": f"room_{meeting_id}"}


Fields = Callable[[Asked], dict[str, Any]]
Row = tuple[str, str, Fields, str]
ADMIT, GOING = {"admit": True}, {"status": "active"}
SAID = {"message_type": "lunch", "content": "{}"}
AUDIO, CHUNK = {"audio_data": SOUND}, {"data": SOUND, "is_final": True}
FRAME = {"frame_data": bytes(3), "tasks": ["emotion"], **SHAPE}
PIXEL = {"data": bytes(3), **SHAPE}
FACE = {"tasks": ["emotion"]}
NOTE = {"type": "lunch", "title": "Lunch", "content": "at noon"}
RESULT = {"task_id": "ai_1", "analysis_type": "emotion", "result_data": "{}"}
ROWS: tuple[Row, ...] = (
    # call, who, fields, what whoever is let in hears
    ("UserService/GetUser", BOTH, lambda a: a.me, "OK"),
    ("UserService/GetUser", BOTH, lambda a: a.other, "OK"),
    ("UserService/ValidateToken", OPEN, lambda a: {"token": a.token}, "OK"),
    ("UserService/GetUsersByIds", SERVICE, lambda a: {"user_ids": [1]}, "OK"),
    ("UserService/UpdateUserStatus", SERVICE, lambda a: a.me | {"status": "away"}, "OK"),
    ("MeetingService/GetMeeting", SEEN, lambda a: a.meeting, "OK"),
    ("MeetingService/ValidateUserAccess", BOTH, lambda a: a.meeting | a.me, "OK"),
    ("MeetingService/ValidateUserAccess", SERVICE, lambda a: a.meeting | a.other, "OK"),
    ("MeetingService/ValidateUserAccess", SERVICE, lambda a: a.meeting | a.me | ADMIT, "OK"),
    ("MeetingService/UpdateMeetingStatus", SERVICE, lambda a: a.meeting | GOING, "OK"),
    ("MeetingService/GetActiveMeetings", SERVICE, lambda a: {}, "OK"),
    ("MeetingService/SaveAIAnalysisResult", SERVICE, lambda a: a.meeting | a.me | RESULT, "OK"),
    ("MediaService/NotifyRecordingStarted", SERVICE, lambda a: a.room | a.me, "OK"),
    ("MediaService/NotifyRecordingStopped", SERVICE, lambda a: a.room | a.me, "OK"),
    ("MediaService/NotifyMediaProcessing", SERVICE, lambda a: a.me, "OK"),
    ("MediaService/GetMediaStats", MEMBER, lambda a: a.room, "OK"),
    ("SignalingService/NotifyUserJoined", SERVICE, lambda a: a.room | a.me, "OK"),
    ("SignalingService/NotifyUserLeft", SERVICE, lambda a: a.room | a.me, "OK"),
    ("SignalingService/BroadcastMessage", SERVICE, lambda a: a.room | SAID, "OK"),
    ("SignalingService/GetRoomUsers", MEMBER, lambda a: a.room, "OK"),
    ("AIService/ProcessAudioData", MEMBER, lambda a: a.meeting | a.me | AUDIO, "OK"),
    ("AIService/ProcessVideoFrame", MEMBER, lambda a: a.meeting | a.me | FRAME, NONE),
    ("AIService/StreamAudioProcessing", MEMBER, lambda a: a.meeting | a.me | CHUNK, "OK"),
    ("AIService/StreamVideoProcessing", MEMBER, lambda a: a.meeting | a.me | PIXEL | FACE, NONE),
    ("AIService/GetAIAnalysis", MEMBER, lambda a: a.meeting, "OK"),
    ("AIService/NotifyAIResult", SERVICE, lambda a: a.room | a.me, "OK"),
    ("NotificationService/SendNotification", SERVICE, lambda a: a.me | NOTE, "OK"),
    ("NotificationService/SendBulkNotifications", SERVICE, lambda a: NOTE, "OK"),
    ("NotificationService/GetNotificationHistory", BOTH, lambda a: a.me, "OK"),
    ("NotificationService/GetNotificationHistory", SERVICE, lambda a: a.other, "OK"),
    ("health.v1.Health/Check", OPEN, lambda a: {}, "OK"),
    ("health.v1.Health/Watch", OPEN, lambda a: {}, "OK"),
    ("reflection.v1.ServerReflection/ServerReflectionInfo", OPEN, lambda a: LIST, "OK"),
    ("reflection.v1alpha.ServerReflection/ServerReflectionInfo", OPEN, lambda a: LIST, "OK"),
)


async def registered(ports: Mapping[str, int]) -> dict[str, dict[str, MethodDescriptor]]:
    """Ask each port for all of its calls."""
    found = {}
    for part, port in ports.items():
        with Caller(port) as caller:
            found[part] = await caller.methods()
    return found


def ports(house: Visit) -> dict[str, int]:
    """Return the ports of calls that are open in this layout."""
    split = house.home.name == "split"
    return {
        part: port for part, port in house.home.calls.items() if split or part != "notification"
    }


async def test_every_call_by_everybody(ends: Visit) -> None:
    """Each role hears from each call of each port what the contract has for it."""
    people, live = await cast(ends), await registered(ports(ends))
    assert {path for paths in live.values() for path in paths} == set(RPCS)
    assert {f"/grpc.{path}" for path, *_ in ROWS} == set(RPCS)
    await until(partial(hears, people, live["ai"]), 60)
    tried = [(part, role) for part in live for role in ROLES]
    wrong = await gather(*(tries(people, live[part], part, role) for part, role in tried))
    assert [each for some in wrong for each in some] == []


async def tries(
    people: Cast, methods: Mapping[str, MethodDescriptor], part: str, role: str
) -> list[tuple[str, ...]]:
    """Make all calls of a port as a role; those that ended otherwise than they should."""
    wrong: list[tuple[str, ...]] = []
    async with Stub(methods, people.home.calls[part], people.people[role].token) as stub:
        for path, who, fields, done in ROWS:
            for hidden, meeting in people.meetings.items():
                if f"/grpc.{path}" not in methods or (hidden and not hides(who)):
                    continue
                wanted = expected(path, who, role, done, hidden=hidden)
                heard = await stub.status(path, **fields(Asked(people, role, meeting)))
                if heard != wanted:
                    wrong.append((part, path, role, "private" * hidden, heard, wanted))
    return wrong


def expected(path: str, who: str, role: str, done: str, *, hidden: bool) -> str:
    """Return the status that a role hears; who is a member is no matter where nothing is done."""
    letter = verdict(who, role, hidden=hidden)
    undone = f"/grpc.{path}" in LATER and (letter == "." or who in (SEEN, MEMBER))
    if letter == "1" or not undone:
        return GRPC.get(letter, done)
    return "UNIMPLEMENTED"


async def hears(people: Cast, methods: Mapping[str, MethodDescriptor]) -> bool:
    """Tell whether the model of speech is loaded, before which nothing is heard."""
    host = people.people["host"]
    fields = AUDIO | {"meeting_id": people.meetings[False]}
    async with Stub(methods, people.home.calls["ai"], host.token) as stub:
        return await stub.status("AIService/ProcessAudioData", **fields) == "OK"


async def test_who_calls_comes_before_anything_else(ends: Visit) -> None:
    """Nobody is told no more, whatever they send wherever; others hear what is wrong with it."""
    ann = await ends.person("ann")
    unknown = ["/grpc.UserService/Nothing", "/grpc.Nothing/GetUser", "/nothing"]
    closed = [path for path, rule in RPCS.items() if rule.who is not Who.OPEN]
    for part, methods in (await registered(ports(ends))).items():
        port = ends.home.calls[part]
        async with (
            Stub(methods, port) as nobody,
            Stub(methods, port, "nonsense") as liar,
            Stub(methods, port, ann.token) as user,
            Stub(methods, port, SECRET) as service,
        ):
            for path in [*closed, *unknown]:
                for stranger in (nobody, liar):
                    assert await stranger.raw(path, b"\xff") == "UNAUTHENTICATED", (part, path)
            for path in [*unknown, *(path for path in closed if path not in methods)]:
                for known in (user, service):
                    assert await known.raw(path, b"\xff") == "UNIMPLEMENTED", (part, path)
            for path in closed:
                if path in methods:
                    wanted = "UNIMPLEMENTED" if path in LATER else "INVALID_ARGUMENT"
                    assert await service.raw(path, b"\xff") == wanted, (part, path)
