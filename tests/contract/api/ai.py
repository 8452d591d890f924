"""What `AiApi` promises, wherever analysis is done."""

import json
from datetime import UTC, datetime
from typing import Any, Protocol

from meeting.domains.ai.api import AiApi, AudioAnswer, AudioRequest, FrameRequest
from meeting.kernel.call import Call
from meeting.kernel.errors import Kind
from tests.contract.api.faults import refused
from tests.integration.ai.laboratory import SECOND, SPEECH

JPEG = b"\xff\xd8\xff\xe0" + bytes(100)


class World(Protocol):
    """An AI domain beside a meeting domain, with an engine that hears `SPEECH` in everything."""

    @property
    def ai(self) -> AiApi:
        """Return the adapter under test."""

    @property
    def host(self) -> int:
        """Return a user whose the meetings are."""

    @property
    def stranger(self) -> int:
        """Return a user who is in none of them."""

    def by(self, user_id: int) -> Call:
        """Make the call of a user."""

    def service(self, user_id: int = 0) -> Call:
        """Make the call of a service, on behalf of a user or of nobody."""

    async def started(self, **fields: Any) -> int:
        """Have a meeting go on, with such fields in the body of its POST; return the id."""

    async def ended(self, meeting_id: int) -> None:
        """End a meeting."""

    async def waits(self) -> int:
        """Schedule a meeting that does not begin; return the id."""

    def fails(self, error: str) -> None:
        """Have the engine answer with an error from now on."""

    async def asked(self) -> dict[str, str]:
        """Return with which params the engine was asked, the longest ago first."""

    async def announced(self) -> list[dict[str, Any]]:
        """Return the payloads of all ai_events that were announced, in order."""


async def hear(world: World, call: Call | None = None, **fields: Any) -> AudioAnswer:
    """Send a second of audio, for the host unless told otherwise."""
    request = AudioRequest(**({"audio_data": SECOND} | fields))
    return await world.ai.process_audio_data(call or world.by(world.host), request)


async def heard(world: World) -> None:
    """The result is answered, kept and announced, under one task, as the values of the request."""
    meeting_id = await world.started()
    started = datetime(2026, 11, 24, 10, tzinfo=UTC)
    answer = await hear(world, meeting_id=meeting_id, language="en", started_at=started)
    assert (answer.status, answer.error, answer.text) == ("ok", "", "hello")
    assert answer.confidence == SPEECH["confidence"]
    (found,) = answer.results.values()
    assert set(answer.results) == {"speech_recognition"}
    assert json.loads(found.result_data) == SPEECH
    assert (found.task_id, found.user_id) == (answer.task_id, world.host)
    assert (found.model, found.confidence) == (SPEECH["model"], SPEECH["confidence"])
    assert answer.task_id.startswith("ai_")
    expected = {"format": "pcm", "sample_rate": "16000", "channels": "1", "language": "en"}
    assert (await world.asked()).items() >= expected.items()
    (event,) = await world.announced()
    assert event["task_id"] == answer.task_id
    assert event["started_at"] == "2026-11-24T10:00:00Z"


async def named(world: World) -> None:
    """Results stand under the names as they were sent; one task under two names is done once."""
    meeting_id = await world.started()
    answer = await hear(world, room_id=f"room_{meeting_id}", tasks=["ASR ", "speech_recognition"])
    assert set(answer.results) == {"ASR ", "speech_recognition"}
    assert {each.result_type for each in answer.results.values()} == set(answer.results)
    assert len(await world.announced()) == 1


async def partial(world: World) -> None:
    """Among several the one that fails says why in its place, and the other has its result."""
    meeting_id = await world.started()
    answer = await hear(world, meeting_id=meeting_id, tasks=["asr", "emotion", "synthesis"])
    assert (answer.status, answer.text) == ("partial", "hello")
    for name in ("emotion", "synthesis"):
        said = json.loads(answer.results[name].result_data)
        assert said["status"] == "unavailable"
        assert said["reason"]
        assert answer.results[name].confidence == 0
        assert said["reason"] in answer.error


async def failed(world: World) -> None:
    """All of several that fail are an answer, too; one alone is the fault of the call."""
    meeting_id = await world.started()
    for error, status, kind in (
        ("unavailable: no model", "unavailable", Kind.AI_UNAVAILABLE),
        ("internal: broken", "error", Kind.AI_FAILED),
        ("deadline: late", "error", Kind.DEADLINE),
    ):
        world.fails(error)
        answer = await hear(world, meeting_id=meeting_id, tasks=["asr", "deepfake"])
        assert (answer.status, answer.text, answer.confidence) == ("error", "", 0)
        assert json.loads(answer.results["asr"].result_data)["status"] == status
        await refused(hear(world, meeting_id=meeting_id), kind)
    for task in ("emotion", "deepfake_detection", "synthesis"):
        await refused(hear(world, meeting_id=meeting_id, tasks=[task]), Kind.AI_UNAVAILABLE)
    assert not await world.announced()


async def not_heard(world: World) -> None:
    """What can't be analysed is refused by its field or its kind, before anybody is asked."""
    for field, values in {
        "audio_data": (b"", b"a", bytes(2 * 8000 * 301)),
        "sample_rate": (7999, 192_001, -1),
        "channels": (9, -1),
        "language": ("?",),
        "tasks": (["sing"], [""], ["asr"] * 17),
        "started_at": (datetime(1999, 1, 1, tzinfo=UTC), datetime(2999, 1, 1, tzinfo=UTC)),
    }.items():
        for value in values:
            about: dict[str, Any] = {"sample_rate": 8000, "meeting_id": 999, field: value}
            await refused(hear(world, **about), Kind.VALIDATION, field)
    await refused(hear(world), Kind.VALIDATION, "meeting_id")
    await refused(hear(world, room_id="x"), Kind.VALIDATION, "room_id")
    await refused(hear(world, room_id="1", meeting_id=2), Kind.VALIDATION, "room_id")
    for form in ("midi", "wav"):
        await refused(hear(world, meeting_id=999, format=form), Kind.UNSUPPORTED_FORMAT)
    await refused(hear(world, meeting_id=999, audio_data=bytes(30_000_002)), Kind.TOO_LARGE)


async def admitted(world: World) -> None:
    """Whoever is in, for themselves; a meeting has to go on and to want it."""
    meeting_id, hidden = await world.started(), await world.started(meeting_type="private")
    stranger, host = world.by(world.stranger), world.by(world.host)
    await refused(hear(world, stranger, meeting_id=meeting_id), Kind.FORBIDDEN)
    await refused(hear(world, stranger, meeting_id=hidden), Kind.MEETING_NOT_FOUND)
    await refused(hear(world, meeting_id=999), Kind.MEETING_NOT_FOUND)
    other: dict[str, Any] = {"meeting_id": meeting_id, "user_id": world.stranger}
    await refused(hear(world, host, **other), Kind.FORBIDDEN)
    off = await world.started(settings={"enable_ai": False})
    for call in (host, world.service(world.host)):
        await refused(hear(world, call, meeting_id=off), Kind.AI_DISABLED)
    waits = await world.waits()
    await refused(hear(world, meeting_id=waits), Kind.MEETING_NOT_STARTED)
    await world.ended(meeting_id)
    await refused(hear(world, meeting_id=meeting_id), Kind.MEETING_ENDED)


async def for_others(world: World) -> None:
    """A service acts for whom it names, else for whom it comes from, whatever the meeting is at."""
    meeting_id = await world.started()
    await world.ended(meeting_id)
    await hear(world, world.service(), meeting_id=meeting_id, user_id=77)
    await hear(world, world.service(78), meeting_id=meeting_id)
    assert [event["user_id"] for event in await world.announced()] == [77, 78]
    await refused(hear(world, world.service(), meeting_id=meeting_id), Kind.VALIDATION, "user_id")


async def seen(world: World) -> None:
    """A picture is checked, and then nobody is there to look at it: one alone, or several."""
    meeting_id = await world.started()
    by = world.by(world.host)

    def frame(**fields: Any) -> FrameRequest:
        about: dict[str, Any] = {"frame_data": JPEG, "meeting_id": meeting_id}
        about["tasks"] = ["emotion"]
        return FrameRequest(**(about | fields))

    look = world.ai.process_video_frame
    raw: dict[str, Any] = {"format": "RGB24", "width": 2, "height": 3, "frame_data": bytes(18)}
    for good in (frame(), frame(**raw)):
        await refused(look(by, good), Kind.AI_UNAVAILABLE)
    answer = await look(by, frame(tasks=[]))
    assert answer.status == "error"
    assert set(answer.results) == {"emotion_detection", "deepfake_detection"}
    for each in answer.results.values():
        assert json.loads(each.result_data)["status"] == "unavailable"
    for field, value in {"width": 0, "height": -1, "frame_data": bytes(17)}.items():
        await refused(look(by, frame(**(raw | {field: value}))), Kind.VALIDATION, field)
    for form in ("gif", "png", "webp"):
        await refused(look(by, frame(format=form)), Kind.UNSUPPORTED_FORMAT)
    await refused(look(by, frame(frame_data=b"")), Kind.VALIDATION, "frame_data")
    await refused(look(by, frame(tasks=["sing"])), Kind.VALIDATION, "tasks")
    huge = JPEG + bytes(10_000_000)
    await refused(look(by, frame(frame_data=huge)), Kind.TOO_LARGE)
    await refused(look(world.by(world.stranger), frame()), Kind.FORBIDDEN)


async def looked_up(world: World) -> None:
    """A task by its id, the results of a meeting by the meeting; by both where they fit."""
    meeting_id, other = await world.started(), await world.started()
    first = await hear(world, meeting_id=meeting_id)
    second = await hear(world, meeting_id=meeting_id)
    ask = world.ai.get_ai_analysis
    for call in (world.by(world.host), world.service()):
        for found in (
            await ask(call, first.task_id),
            await ask(call, first.task_id, meeting_id),
        ):
            assert (found.task_id, found.status) == (first.task_id, "ok")
            assert found.result_type == "speech_recognition"
            assert json.loads(found.result_data) == SPEECH
            assert found.confidence == SPEECH["confidence"]
            assert [each.task_id for each in found.results] == [first.task_id]
            assert found.created_at == found.results[0].created_at is not None
        found = await ask(call, "", meeting_id)
        assert (found.task_id, found.status, found.result_data) == ("", "", "")
        assert {each.task_id for each in found.results} == {first.task_id, second.task_id}
        assert not (await ask(call, "", other)).results


async def not_looked_up(world: World) -> None:
    """Neither, both that do not fit, what is not there, and what is none of the caller's."""
    meeting_id, hidden = await world.started(), await world.started(meeting_type="private")
    task_id = (await hear(world, meeting_id=hidden)).task_id
    shown = (await hear(world, meeting_id=meeting_id)).task_id
    ask, host, stranger = (
        world.ai.get_ai_analysis,
        world.by(world.host),
        world.by(world.stranger),
    )
    await refused(ask(host), Kind.VALIDATION, "task_id")
    await refused(ask(host, task_id, meeting_id), Kind.VALIDATION, "meeting_id")
    await refused(ask(host, "ai_nothing"), Kind.NOT_FOUND)
    await refused(ask(host, "", 999), Kind.MEETING_NOT_FOUND)
    await refused(ask(stranger, shown), Kind.FORBIDDEN)
    await refused(ask(stranger, "", meeting_id), Kind.FORBIDDEN)
    await refused(ask(stranger, task_id), Kind.NOT_FOUND)
    await refused(ask(stranger, "", hidden), Kind.MEETING_NOT_FOUND)


PROMISES = (
    heard,
    named,
    partial,
    failed,
    not_heard,
    admitted,
    for_others,
    seen,
    looked_up,
    not_looked_up,
)
