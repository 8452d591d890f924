"""What `MeetingApi` promises, wherever the meeting domain runs."""

import json
from datetime import timedelta
from typing import Any, Protocol

import msgspec

from meeting.domains.meeting.api import ACTIVE, RESULT_BYTES, AnalysisResult, MeetingApi
from meeting.kernel.call import Call
from meeting.kernel.errors import Kind
from meeting.kernel.ids import MAX_ID
from tests.contract.api.faults import refused

HOST, GUEST, STRANGER = 1, 2, 3
SPEECH = {
    "text": "hello",
    "confidence": 0.9,
    "language": "en",
    "duration_ms": 1500,
    "segments": [{"start_ms": 0, "end_ms": 900, "text": "hello"}],
    "model": "whisper_base",
    "model_sha256": "ab" * 32,
    "latency_ms": 7,
}


class World(Protocol):
    """A meeting domain with users 1 to 99, without meetings, and ways to fill and read it."""

    @property
    def meetings(self) -> MeetingApi:
        """Return the adapter under test."""

    def by(self, user_id: int) -> Call:
        """Make the call of a user."""

    def service(self, user_id: int = 0) -> Call:
        """Make the call of a service, on behalf of a user or of nobody."""

    async def scheduled(self, **fields: Any) -> int:
        """Schedule a meeting of the host's for the next hour; return the id."""

    async def join(self, user_id: int, meeting_id: int) -> None:
        """Let a user join by REST."""

    async def announced(self) -> list[str]:
        """Return the types of all meeting_events that were announced, in order."""

    async def tasks(self) -> list[str]:
        """Return the types of all meeting_tasks that were asked for but those at a creation."""

    async def kept(self, meeting_id: int) -> list[dict[str, Any]]:
        """Return the analyses that are kept of a meeting, as REST lists them to its host."""

    async def transcript(self, meeting_id: int) -> list[dict[str, Any]]:
        """Return the transcript of a meeting, as REST lists it to its host."""

    async def report(self, meeting_id: int) -> dict[str, Any]:
        """Do what waits in the queue, and return the report as REST shows it to its host."""

    async def move(self, span: timedelta) -> None:
        """Let time pass."""


async def started(world: World, **fields: Any) -> int:
    """Make a meeting that goes on."""
    meeting_id = await world.scheduled(**fields)
    await world.meetings.update_meeting_status(world.service(), meeting_id, "active")
    return meeting_id


async def shown(world: World) -> None:
    """Every field, by its name; the same to services and to whoever may see it."""
    meeting_id = await world.scheduled(title="Plan", description="of the week")
    found = await world.meetings.get_meeting(world.service(), meeting_id)
    assert (found.id, found.title, found.description) == (meeting_id, "Plan", "of the week")
    assert (found.creator_id, found.status, found.meeting_type) == (HOST, "scheduled", "video")
    assert (found.room_id, found.max_participants) == (f"room_{meeting_id}", 100)
    assert found.end_time - found.start_time == timedelta(hours=1)
    assert found.actual_start_time is None
    assert found.settings.enable_chat
    assert await world.meetings.get_meeting(world.by(STRANGER), meeting_id) == found
    await world.meetings.update_meeting_status(world.service(), meeting_id, "active")
    found = await world.meetings.get_meeting(world.service(), meeting_id)
    assert found.status == "active"
    assert found.actual_start_time is not None


async def hidden(world: World) -> None:
    """A private meeting is not there for strangers; services and members see it."""
    meeting_id = await world.scheduled(private=True)
    get = world.meetings.get_meeting
    await refused(get(world.by(STRANGER), meeting_id), Kind.MEETING_NOT_FOUND)
    await refused(get(world.service(), meeting_id + 1), Kind.MEETING_NOT_FOUND)
    assert (await get(world.by(HOST), meeting_id)).meeting_type == "private"
    assert (await get(world.service(STRANGER), meeting_id)).id == meeting_id


async def access(world: World) -> None:
    """Who is in, or why not; the role of every member; never an error."""
    meeting_id, hidden_id = await started(world), await started(world, private=True)
    await world.join(GUEST, meeting_id)
    ask = world.meetings.validate_user_access
    said = [await ask(world.service(), user, meeting_id) for user in (HOST, GUEST, STRANGER)]
    assert [each.has_access for each in said] == [True, True, False]
    assert [each.role for each in said] == ["host", "participant", ""]
    assert said[2].error == "user not invited to meeting"
    assert await ask(world.by(GUEST), GUEST, meeting_id) == said[1]
    for unseen in (hidden_id, 999):
        assert (await ask(world.service(), STRANGER, unseen)).error == "meeting not found"


async def admitted(world: World) -> None:
    """`admit` joins first, as REST would, for services alone; a user asks for themselves alone."""
    meeting_id = await started(world, max_participants=2)
    ask = world.meetings.validate_user_access
    await refused(ask(world.by(GUEST), GUEST, meeting_id, admit=True), Kind.FORBIDDEN)
    await refused(ask(world.by(GUEST), HOST, meeting_id), Kind.FORBIDDEN)
    for user in (HOST, GUEST, GUEST):
        assert (await ask(world.service(), user, meeting_id, admit=True)).has_access
    assert (await ask(world.service(), STRANGER, meeting_id, admit=True)).error == "meeting is full"
    assert (await world.announced()).count("meeting.user_joined") == 2


async def moved(world: World) -> None:
    """The way of REST, with its events and its task; the state that it is in has no effect."""
    move, meeting_id = world.meetings.update_meeting_status, await world.scheduled()
    for status in ("scheduled", "active", "active", "ended", "ended"):
        await move(world.service(), meeting_id, status, 5)
        found = await world.meetings.get_meeting(world.service(), meeting_id)
        assert found.status == status
    assert await world.announced() == ["meeting.created", "meeting.started", "meeting.ended"]
    assert await world.tasks() == ["meeting.end"]
    assert (await world.report(meeting_id))["meeting_id"] == meeting_id
    await move(world.service(), meeting_id, "ended")
    assert not await world.tasks()


async def cancelled(world: World) -> None:
    """A scheduled one may be cancelled, again and again, and then it is over."""
    move, meeting_id = world.meetings.update_meeting_status, await world.scheduled()
    for _ in range(2):
        await move(world.service(), meeting_id, "cancelled")
    assert (await world.meetings.get_meeting(world.service(), meeting_id)).status == "cancelled"
    for status in ("scheduled", "active", "ended"):
        await refused(move(world.service(), meeting_id, status), Kind.MEETING_ENDED)


async def not_moved(world: World) -> None:
    """Which way leads nowhere is refused by its reason, and nothing happens."""
    move, waits, runs = (
        world.meetings.update_meeting_status,
        await world.scheduled(),
        await started(world),
    )
    before = await world.announced()
    await refused(move(world.service(), waits, "ended"), Kind.MEETING_NOT_STARTED)
    await refused(move(world.service(), runs, "cancelled"), Kind.CONFLICT)
    await refused(move(world.service(), runs, "scheduled"), Kind.CONFLICT)
    await refused(move(world.service(), 999, "active"), Kind.MEETING_NOT_FOUND)
    await refused(move(world.service(), waits, "ACTIVE"), Kind.VALIDATION, "status")
    await refused(move(world.by(HOST), waits, "active"), Kind.FORBIDDEN)
    await world.move(timedelta(hours=1))
    await refused(move(world.service(), waits, "active"), Kind.MEETING_ENDED)
    assert await world.announced() == before
    assert not await world.tasks()


async def active(world: World) -> None:
    """Those that go on, private ones too, the newest start first; for services alone."""
    ids = [await started(world), await started(world, private=True), await world.scheduled()]
    await world.move(timedelta(minutes=1))
    ids.append(await started(world))
    over = await started(world)
    await world.meetings.update_meeting_status(world.service(), over, "ended")
    found = await world.meetings.get_active_meetings(world.service())
    assert [each.id for each in found] == [ids[3], ids[1], ids[0]]
    assert found[0] == await world.meetings.get_meeting(world.service(), ids[3])
    await refused(world.meetings.get_active_meetings(world.by(HOST)), Kind.FORBIDDEN)
    assert ACTIVE == 1000


def result(meeting_id: int, **fields: Any) -> AnalysisResult:
    """Make a result of speech."""
    about: dict[str, Any] = {
        "meeting_id": meeting_id,
        "user_id": GUEST,
        "task_id": "rec_1:t",
        "analysis_type": "speech_recognition",
        "result_data": json.dumps(SPEECH),
        "confidence": 0.9,
    }
    return AnalysisResult(**(about | fields))


async def saved(world: World) -> None:
    """By the result key, once however often it comes; what is said stands in the transcript."""
    meeting_id = await started(world)
    await world.join(GUEST, meeting_id)
    save = world.meetings.save_ai_analysis_result
    for _ in range(2):
        await save(world.service(), result(meeting_id))
    second = json.dumps(SPEECH | {"segment": 1, "text": "again"})
    await save(world.service(), result(meeting_id, analysis_type=" ASR", result_data=second))
    await save(world.service(), result(meeting_id, task_id="other", model="m", confidence=0.5))
    kept = await world.kept(meeting_id)
    assert {(each["task_id"], each["result"].get("segment", 0)) for each in kept} == {
        ("rec_1:t", 0),
        ("rec_1:t", 1),
        ("other", 0),
    }
    assert len(kept) == 3
    (first,) = [each for each in kept if each["result"] == SPEECH and each["task_id"] != "other"]
    assert (first["analysis_type"], first["user_id"]) == ("speech_recognition", GUEST)
    assert (first["confidence"], first["model"], first["status"]) == (0.9, "whisper_base", "ok")
    assert first["model_sha256"] == "ab" * 32
    assert {each["model"] for each in kept if each["task_id"] == "other"} == {"m"}
    lines = await world.transcript(meeting_id)
    assert sorted(line["text"] for line in lines) == ["again", "hello", "hello"]
    assert {line["user_id"] for line in lines} == {GUEST}


async def silent(world: World) -> None:
    """A result without text, and one of another task, make no passage; both are kept."""
    meeting_id = await started(world)
    save = world.meetings.save_ai_analysis_result
    nothing = json.dumps(SPEECH | {"text": "", "segments": []})
    await save(world.service(), result(meeting_id, result_data=nothing))
    face = result(meeting_id, analysis_type="emotion", result_data='{"emotion": "happy"}')
    await save(world.service(), face)
    assert not await world.transcript(meeting_id)
    kept = await world.kept(meeting_id)
    assert {each["analysis_type"] for each in kept} == {"speech_recognition", "emotion_detection"}
    assert {each["model"] for each in kept} == {"whisper_base", "external:test"}


async def summed_up(world: World) -> None:
    """A summary and a late result come into the report of a meeting that is over."""
    meeting_id = await started(world)
    await world.meetings.update_meeting_status(world.service(), meeting_id, "ended")
    assert (await world.report(meeting_id))["emotions"] == {}
    save = world.meetings.save_ai_analysis_result
    summary = {"languages": ["en"], "emotions": {"2": {"happy": 1.0}}, "talk_ms": {}, "counts": {}}
    about = {"analysis_type": "meeting_report", "result_data": json.dumps(summary), "user_id": 0}
    await save(world.service(), result(meeting_id, task_id=f"report_{meeting_id}", **about))
    await save(world.service(), result(meeting_id))
    await world.move(timedelta(seconds=30))
    report = await world.report(meeting_id)
    assert report["emotions"] == {"2": {"happy": 1.0}}
    assert report["transcript_count"] == 1
    assert report["version"] == 2
    wrong = result(meeting_id, task_id="report_0", **about)
    await refused(save(world.service(), wrong), Kind.VALIDATION, "task_id")


async def not_saved(world: World) -> None:
    """What can't be read back or found again is refused by its field; a user hands nothing in."""
    meeting_id = await started(world)
    save = world.meetings.save_ai_analysis_result
    await refused(save(world.by(HOST), result(meeting_id)), Kind.FORBIDDEN)
    await refused(save(world.service(), result(999)), Kind.MEETING_NOT_FOUND)
    deep = '{"a":' + "[" * 40 + "]" * 40 + "}"
    for field, values in {
        "meeting_id": (0,),
        "user_id": (0, MAX_ID + 1),
        "task_id": ("", "x" * 129, "a\nb"),
        "type": ("singing", ""),
        "confidence": (-0.1, 1.1),
        "model": ("x" * 129,),
        "result_data": ("", "[]", '"x"', "{", deep, "{}", '{"text":1}', '{"text":"","segment":-1}'),
    }.items():
        name = "analysis_type" if field == "type" else field
        for value in values:
            asked = msgspec.structs.replace(result(meeting_id), **{name: value})
            await refused(save(world.service(), asked), Kind.VALIDATION, field)
    large = json.dumps(SPEECH | {"more": "x" * RESULT_BYTES})
    await refused(save(world.service(), result(meeting_id, result_data=large)), Kind.TOO_LARGE)
    assert not await world.kept(meeting_id)


PROMISES = (
    shown,
    hidden,
    access,
    admitted,
    moved,
    cancelled,
    not_moved,
    active,
    saved,
    silent,
    summed_up,
    not_saved,
)
