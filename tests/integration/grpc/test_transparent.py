"""Each call of each api over a real port: the domain gets what was given, the caller its answer."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from meeting.domains.ai.api import (
    AiResult,
    AudioAnswer,
    AudioRequest,
    Findings,
    FrameAnswer,
    FrameRequest,
)
from meeting.domains.meeting.api import Access, AnalysisResult, MeetingInfo
from meeting.domains.meeting.model import Settings
from meeting.domains.notification.api import (
    BulkNotice,
    Notice,
    NotificationInfo,
    Notifications,
)
from meeting.domains.signaling.api import Broadcast, Joined, Left, RoomUser
from meeting.domains.user.api import Identity, Person
from meeting.kernel.call import Call, Role
from meeting.transports.grpc import ai, media, meeting, notification, signaling, user
from meeting.transports.grpc.channel import Channel
from tests.front import Front, front
from tests.integration.grpc.world import SERVICE, call, channel, port, stub

AT = datetime(2026, 3, 1, 12, 30, 15, 250_000, tzinfo=UTC)
FOUND = AiResult(
    result_type="asr",
    result_data="{}",
    confidence=0.5,
    created_at=AT,
    task_id="ai_1",
    user_id=7,
    model="whisper",
)
MEETING = MeetingInfo(
    id=3,
    title="Planning",
    description="what next",
    creator_id=7,
    status="active",
    start_time=AT,
    end_time=AT,
    actual_start_time=None,
    max_participants=9,
    meeting_type="video",
    room_id="room_3",
    settings=Settings(enable_ai=False),
)
PERSON = Person(
    id=7, username="alice", email="a@b.c", full_name="Alice", status="active", created_at=AT
)
NOTICE: dict[str, Any] = {
    "type": "note",
    "title": "Now",
    "content": "Come",
    "data": "{}",
    "push_notification": True,
    "email_notification": True,
}
TOLD = NotificationInfo(
    id=1, type="note", title="Now", content="Come", data="{}", read=True, created_at=AT
)
CASES: list[tuple[str, str, tuple[Any, ...], dict[str, Any], Any]] = [
    ("user", "get_user", (7,), {}, PERSON),
    ("user", "get_users_by_ids", ([7, 8],), {}, [PERSON, PERSON]),
    (
        "user",
        "validate_token",
        ("abc",),
        {},
        Identity(valid=True, user_id=7, username="alice", role=Role.ADMIN),
    ),
    ("user", "validate_token", ("",), {}, Identity(valid=False, error="banned")),
    ("user", "update_user_status", (7, "away"), {}, None),
    ("meeting", "get_meeting", (3,), {}, MEETING),
    (
        "meeting",
        "validate_user_access",
        (7, 3),
        {"admit": True},
        Access(has_access=False, role="host", error="meeting is full"),
    ),
    ("meeting", "update_meeting_status", (3, "ended", 5), {}, None),
    ("meeting", "get_active_meetings", (), {}, [MEETING]),
    (
        "meeting",
        "save_ai_analysis_result",
        (AnalysisResult(meeting_id=3, task_id="t", analysis_type="asr", result_data="{}"),),
        {},
        None,
    ),
    ("signaling", "notify_user_joined", (Joined(room_id="room_3", user_id=7),), {}, None),
    ("signaling", "notify_user_left", (Left(room_id="room_3", user_id=7, peer_id="p"),), {}, None),
    (
        "signaling",
        "broadcast_message",
        (Broadcast(message_type="chat", content="hi", target_user_ids=[7, 8]),),
        {},
        None,
    ),
    (
        "signaling",
        "get_room_users",
        ("room_3",),
        {},
        [RoomUser(user_id=7, username="alice", peer_id="p", status="online", joined_at=AT)],
    ),
    (
        "ai",
        "process_audio_data",
        (AudioRequest(audio_data=b"\0\1", tasks=["asr", "emotion"], started_at=AT),),
        {},
        AudioAnswer(task_id="ai_1", status="partial", results={"asr": FOUND}, text="hi"),
    ),
    (
        "ai",
        "process_video_frame",
        (FrameRequest(frame_data=b"\0\1", width=3, height=2, meeting_id=3),),
        {},
        FrameAnswer(task_id="ai_1", status="ok", results={"emotion": FOUND}),
    ),
    ("ai", "get_ai_analysis", ("ai_1", 3), {}, Findings(results=[FOUND, FOUND])),
    ("notification", "send_notification", (Notice(user_id=7, **NOTICE),), {}, None),
    ("notification", "send_bulk_notifications", (BulkNotice(user_ids=[7], **NOTICE),), {}, None),
    (
        "notification",
        "get_notification_history",
        (7, 5, 10, "note"),
        {},
        Notifications(notifications=[TOLD], total_count=11),
    ),
]


class Mirror:
    """Stands for any domain: notes what it is asked, and answers as it is told."""

    def __init__(self, answer: Any) -> None:
        self.asked: list[tuple[str, Call, tuple[Any, ...], dict[str, Any]]] = []
        self._answer = answer

    def __getattr__(self, name: str) -> Any:
        async def act(call: Call, *given: Any, **named: Any) -> Any:
            self.asked.append((name, call, given, named))
            return self._answer

        return act


def client(domain: str, way: Channel) -> Any:
    """Return our client of a domain."""
    match domain:
        case "user":
            return user.UserClient(way)
        case "meeting":
            return meeting.MeetingClient(way)
        case "signaling":
            return signaling.SignalingClient(way)
        case "ai":
            return ai.AiClient(way)
        case _:
            return notification.NotificationClient(way)


def served(domain: str, mirror: Any, streams: Any = None) -> Any:
    """Serve a domain."""
    modules: dict[str, Any] = {
        "user": user,
        "meeting": meeting,
        "signaling": signaling,
        "notification": notification,
    }
    return ai.served(mirror, streams) if domain == "ai" else modules[domain].served(mirror)


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Front]:
    """Who tells the gate whose a token is."""
    async with front(tmp_path) as opened:
        yield opened


@pytest.mark.parametrize(
    ("domain", "method", "given", "named", "answer"), CASES, ids=lambda value: str(value)[:30]
)
async def test_a_call_is_the_same_over_the_wire(
    house: Front, domain: str, method: str, given: Any, named: Any, answer: Any
) -> None:
    """A call from process to process is what it would be within one."""
    mirror = Mirror(answer)
    asking = call(7, depth=1)
    async with port(house, served(domain, mirror)) as opened, channel(house, opened) as way:
        found = await getattr(client(domain, way), method)(asking, *given, **named)
    assert found == answer
    ((name, came, got, also),) = mirror.asked
    assert (name, got, also) == (method, given, named)
    assert (came.caller.user_id, came.caller.service) == (7, "test")
    assert (came.request_id, came.depth) == (asking.request_id, 1)
    assert house.clock.monotonic() < came.deadline <= house.clock.monotonic() + 2


def test_every_method_is_held() -> None:
    """Each method of each client is in the list above."""
    for domain in ("user", "meeting", "signaling", "ai", "notification"):
        methods = {name for name in vars(type(client(domain, None))) if not name.startswith("_")}  # type: ignore[arg-type]
        assert methods == {method for held, method, *_ in CASES if held == domain}


async def test_media_comes_later(house: Front) -> None:
    """Whoever may call MediaService hears that nobody does it yet, and nobody else does."""
    async with port(house, media.served()) as opened, stub(opened) as theirs:
        for name in ("NotifyRecordingStarted", "NotifyMediaProcessing", "GetMediaStats"):
            assert (await theirs.refused(f"MediaService/{name}", SERVICE))[0] == "UNIMPLEMENTED"
            assert (await theirs.refused(f"MediaService/{name}"))[0] == "UNAUTHENTICATED"
