"""Speech over REST: who may ask, what may be sent, and what is kept of an answer."""

import asyncio
import base64
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from meeting.domains.ai.clip import Recording
from meeting.domains.ai.recognition import Recognised
from meeting.kernel.call import Call, Caller
from tests.integration.ai.laboratory import SECOND, SPEECH, Laboratory, audio, laboratory
from tests.integration.ai.peer import Peer, error, peer, success
from tests.integration.meeting.house import Answer, Person

RECOGNISE = "/ai/speech-recognition"
PICTURE = base64.b64encode(b"\xff\xd8\xff\xe0" + bytes(100)).decode()


def heard(header: dict[str, Any], _data: bytes) -> list[bytes]:
    """Answer as an engine that heard something."""
    return [success(header, SPEECH)]


class Scene(NamedTuple):
    """A house, an engine that the test directs, and a meeting that runs."""

    house: Laboratory
    engine: Peer
    host: Person
    meeting: int

    async def ask(self, who: Person | None = None, **fields: Any) -> Answer:
        """Have speech recognised, by the host unless told otherwise."""
        return await (who or self.host).post(RECOGNISE, audio(self.meeting) | fields)

    async def kept(self, query: str = "") -> list[dict[str, Any]]:
        """Read back what is kept."""
        path = f"/ai/analysis/{self.meeting}{query}"
        return list((await self.host.get(path)).data["list"])


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """Set the scene."""
    async with peer(heard) as engine, laboratory(tmp_path, engine.endpoint) as house:
        host = await house.person("alice")
        yield Scene(house, engine, host, await house.meeting(host))


async def test_a_result_is_answered_kept_and_announced(scene: Scene) -> None:
    """The shape of the contract, the same values in all three places, and times that fit."""
    answer = await scene.ask(language="en", started_at="2026-11-24T11:00:00+01:00")
    task_id = answer.data["task_id"]
    assert answer.status == 200
    assert answer.data == {"task_id": task_id, "status": "ok", **SPEECH}
    assert len(task_id) == 35
    assert task_id.startswith("ai_")
    assert (await scene.engine.seen.get())["params"].items() >= {
        "format": "pcm",
        "sample_rate": "16000",
        "channels": "1",
        "language": "en",
    }.items()
    (kept,) = await scene.kept()
    assert kept == {
        "task_id": task_id,
        "analysis_type": "speech_recognition",
        "user_id": scene.host.id,
        "status": "ok",
        "result": SPEECH,
        "confidence": SPEECH["confidence"],
        "model": SPEECH["model"],
        "model_sha256": SPEECH["model_sha256"],
        "created_at": "2026-11-24T12:00:00Z",
    }
    (entry,) = await scene.house.announced()
    assert entry.message.type == "speech_recognition.completed"
    payload = entry.message.payload
    assert payload["text"] == "hello"
    assert (payload["task_id"], payload["meeting_id"]) == (task_id, scene.meeting)
    assert (payload["started_at"], payload["ended_at"]) == (
        "2026-11-24T11:00:00+01:00",
        "2026-11-24T11:00:01+01:00",
    )
    assert payload["model_sha256"] == SPEECH["model_sha256"]


async def test_speech_began_before_it_was_received(scene: Scene) -> None:
    """Without a start of the client's, it is receipt less duration."""
    await scene.ask()
    (entry,) = await scene.house.announced()
    assert entry.message.payload["started_at"] == "2026-11-24T11:59:59Z"


async def test_nothing_heard_is_kept_but_not_announced(scene: Scene) -> None:
    """An empty text is an answer, not an event."""
    nothing = SPEECH | {"text": "", "confidence": 0, "segments": []}
    scene.engine.answer = lambda header, _data: [success(header, nothing)]
    assert (await scene.ask()).data["text"] == ""
    assert len(await scene.kept()) == 1
    assert await scene.house.announced() == []


HOLLOW: list[dict[str, Any]] = [
    {"model": None},
    {"model": ""},
    {"model_sha256": None},
    {"model_sha256": "none"},
    {"text": None},
    {"text": 7},
    {"confidence": 1.5},
    {"confidence": "0.9"},
    {"duration_ms": -1},
    {"segments": [{"text": "hello"}]},
    {"language": None},
    {"latency_ms": None},
]


async def test_a_result_is_real_or_absent(scene: Scene) -> None:
    """An answer that lacks its model, or anything else, is `ai_failed`; nothing is made up."""
    results = iter(HOLLOW)

    def hollow(header: dict[str, Any], _data: bytes) -> list[bytes]:
        changed = SPEECH | next(results)
        return [
            success(header, {key: value for key, value in changed.items() if value is not None})
        ]

    scene.engine.answer = hollow
    for changes in HOLLOW:
        assert (await scene.ask()).error == (500, 40002), changes
    assert await scene.kept() == []
    assert await scene.house.announced() == []


REFUSALS = [
    ("unavailable: whisper_base is not there", (503, 40001)),
    ("overloaded: 64 wait", (503, 40001)),
    ("invalid: format: the WAV file has no samples", (400, 30002)),
    ("invalid: sample_rate: must be 8000 to 192000", (400, 400)),
    ("deadline: over", (503, 503)),
    ("internal: luck", (500, 40002)),
]


async def test_what_the_engine_refuses_leaves_nothing(scene: Scene) -> None:
    """Each of its errors has its answer, and no text in place of the one that is missing."""
    texts = iter(REFUSALS)
    scene.engine.answer = lambda header, _data: [error(header, next(texts)[0])]
    for text, expected in REFUSALS:
        assert (await scene.ask()).error == expected, text
    assert await scene.kept() == []
    assert await scene.house.announced() == []


async def test_the_engine_s_name_for_the_audio_is_ours(scene: Scene) -> None:
    """A client sent `audio_data` and hears of that."""
    told = "invalid: input_data: must be at most 300 s, found 301 s"
    scene.engine.answer = lambda header, _data: [error(header, told)]
    answer = await scene.ask()
    assert answer.error == (400, 400)
    assert answer.body["error"]["details"] == {"audio_data": "must be at most 300 s, found 301 s"}


async def test_an_engine_that_is_gone_is_a_503_with_its_reason(scene: Scene) -> None:
    """In flight and afterwards; meetings go on without it."""
    scene.engine.answer = lambda _header, _data: []
    running = asyncio.create_task(scene.ask())
    await scene.engine.seen.get()
    await scene.engine.close()
    for answer in (await running, await scene.ask()):
        assert answer.error == (503, 40001)
        assert answer.body["error"]["details"]["reason"]
    assert await scene.kept() == []


BAD: list[tuple[dict[str, Any], tuple[int, int], str]] = [
    ({"audio_data": ""}, (400, 400), "audio_data"),
    ({"audio_data": "not base64"}, (400, 400), "audio_data"),
    ({"audio_data": "QUJD\n"}, (400, 400), "audio_data"),
    ({"audio_data": "QUI"}, (400, 400), "audio_data"),
    ({"audio_data": None}, (400, 400), "audio_data"),
    ({"audio_data": "QUJD"}, (400, 400), "audio_data"),  # one and a half samples
    ({"audio_data": base64.b64encode(bytes(9_600_002)).decode()}, (400, 400), "audio_data"),
    ({"sample_rate": 0}, (400, 400), "sample_rate"),
    ({"sample_rate": 7999}, (400, 400), "sample_rate"),
    ({"sample_rate": 192001}, (400, 400), "sample_rate"),
    ({"channels": 9}, (400, 400), "channels"),
    ({"format": "wav"}, (400, 30002), ""),
    ({"format": "mp4"}, (400, 30002), "format"),
    ({"language": "klingon"}, (400, 400), "language"),
    ({"started_at": "2026-11-24T12:00:00"}, (400, 400), "started_at"),
    ({"started_at": "9999-12-31T23:59:59Z"}, (400, 400), "started_at"),
    ({"user_id": 2**32}, (400, 400), "user_id"),
    ({"user_id": -1}, (400, 400), "user_id"),
    ({"meeting_id": None}, (400, 400), "meeting_id"),
    ({"meeting_id": 0}, (400, 400), "meeting_id"),
    ({"meeting_id": 2**40}, (400, 400), "meeting_id"),
    ({"room_id": "room_77777"}, (400, 400), "room_id"),
    ({"room_id": "kitchen"}, (400, 400), "room_id"),
]


async def test_bad_requests_are_told_what_is_wrong(scene: Scene) -> None:
    """Each is the contract's 4xx with the field's name; the engine never hears of it."""
    for fields, expected, field in BAD:
        answer = await scene.ask(**fields)
        assert answer.error == expected, answer.body
        details = answer.body["error"]["details"]
        assert not field or any(key.endswith(field) for key in details), answer.body
    assert scene.engine.seen.empty()
    assert await scene.kept() == []


async def test_more_than_thirty_megabytes_are_too_large(scene: Scene) -> None:
    """The body may pass, the bytes in it do not."""
    answer = await scene.ask(audio_data=base64.b64encode(bytes(30_000_003)).decode())
    assert answer.error == (413, 30003)


async def test_a_room_names_its_meeting(scene: Scene) -> None:
    """room_id stands for meeting_id."""
    assert (await scene.ask(meeting_id=None, room_id=f"room_{scene.meeting}")).status == 200


async def test_no_token_is_401(scene: Scene) -> None:
    """Nobody is heard without a credential, whatever is in the body."""
    paths = ("asr", "speech/recognition", "emotion-detection", "deepfake-detection")
    for path in (RECOGNISE, *(f"/ai/{path}" for path in paths)):
        status, answer = await scene.house.post(path, audio(scene.meeting))
        assert (status, answer["code"]) == (401, 10004), path
    assert (await scene.house.get(f"/ai/analysis/{scene.meeting}"))[0] == 401
    assert scene.engine.seen.empty()


async def test_aliases_do_the_same(scene: Scene) -> None:
    """The older names of the route work."""
    for path in ("/ai/asr", "/ai/speech/recognition"):
        assert (await scene.host.post(path, audio(scene.meeting))).data["text"] == "hello"


async def test_only_who_is_in_may_ask(scene: Scene) -> None:
    """Absent and hidden meetings are 404, strangers and those outside 403; the joined may."""
    house, host = scene.house, scene.host
    bob = await house.person("bob")
    private = await house.meeting(host, meeting_type="private")
    assert (await scene.ask(bob, meeting_id=4000)).error == (404, 20001)
    assert (await scene.ask(bob, meeting_id=private)).error == (404, 20001)
    assert (await scene.ask(bob)).error == (403, 403)
    assert (await bob.get(f"/ai/analysis/{private}")).error == (404, 20001)
    assert (await bob.get(f"/ai/analysis/{scene.meeting}")).error == (403, 403)
    invited = {"user_id": bob.id}
    await host.post(f"/meetings/{scene.meeting}/participants", invited)
    assert (await scene.ask(bob)).error == (403, 403)
    assert scene.engine.seen.empty()
    assert (await bob.post(f"/meetings/{scene.meeting}/join")).status == 200
    assert (await scene.ask(bob)).status == 200
    assert [row["user_id"] for row in await scene.kept()] == [bob.id]
    assert (await bob.get(f"/ai/analysis/{scene.meeting}")).data["total"] == 1


async def test_what_is_wrong_is_told_before_who_may_ask(scene: Scene) -> None:
    """The contract's order: 400 goes before 404, 404 before 409."""
    bob = await scene.house.person("bob")
    private = await scene.house.meeting(scene.host, started=False, meeting_type="private")
    assert (await scene.ask(bob, meeting_id=private, audio_data="?")).error == (400, 400)
    assert (await scene.ask(bob, meeting_id=private)).error == (404, 20001)


async def test_another_s_name_is_for_admins(scene: Scene) -> None:
    """user_id may be one's own; another's is 403, but for an admin who names a member."""
    bob = await scene.house.person("bob")
    assert (await bob.post(f"/meetings/{scene.meeting}/join")).status == 200
    assert (await scene.ask(bob, user_id=bob.id)).status == 200
    assert (await scene.ask(bob, user_id=scene.host.id)).error == (403, 403)
    line = Call(caller=Caller(service="cli"), request_id="r")
    await scene.house.accounts.promote(line, "bob")
    assert (await scene.ask(bob, user_id=9999)).error == (403, 403)
    assert (await scene.ask(bob, user_id=scene.host.id)).status == 200
    assert {row["user_id"] for row in await scene.kept()} == {bob.id, scene.host.id}


async def test_the_meeting_has_to_run_and_to_want_it(scene: Scene) -> None:
    """Scheduled, ended, or with analysis switched off: three different conflicts."""
    house, host = scene.house, scene.host
    scheduled = await house.meeting(host, started=False)
    assert (await scene.ask(meeting_id=scheduled)).error == (409, 20005)
    unwanted = await house.meeting(host, settings={"enable_ai": False})
    assert (await scene.ask(meeting_id=unwanted)).error == (409, 40003)
    bob = await house.person("bob")
    assert (await bob.post(f"/meetings/{scene.meeting}/join")).status == 200
    await host.post(f"/meetings/{scene.meeting}/end")
    assert (await scene.ask()).error == (409, 20002)
    assert (await scene.ask(bob)).error == (409, 20002)
    assert scene.engine.seen.empty()


async def test_pictures_are_checked_and_then_unavailable(scene: Scene) -> None:
    """No model, no result: 503 with the reason, after the 4xx that come first."""
    bob = await scene.house.person("bob")
    body = {"video_frame": PICTURE, "meeting_id": scene.meeting}
    for path in ("/ai/emotion-detection", "/ai/deepfake-detection"):
        answer = await scene.host.post(path, body)
        assert answer.error == (503, 40001)
        assert "no model" in answer.body["error"]["details"]["reason"]
        assert (await scene.host.post(path, body | {"video_frame": "?"})).error == (400, 400)
        assert (await scene.host.post(path, body | {"format": "png"})).error == (400, 30002)
        assert (await bob.post(path, body)).error == (403, 403)


async def test_results_are_listed_newest_first(scene: Scene) -> None:
    """By page and by type, whose aliases work; what is no type is 400."""
    tasks = []
    for _ in range(3):
        tasks.append((await scene.ask()).data["task_id"])
        scene.house.clock.move(timedelta(seconds=1))
    assert [row["task_id"] for row in await scene.kept("?type=asr")] == tasks[::-1]
    assert [row["task_id"] for row in await scene.kept("?page=2&page_size=2")] == tasks[:1]
    assert await scene.kept("?type=emotion_detection") == []
    assert (await scene.host.get(f"/ai/analysis/{scene.meeting}?type=mood")).error == (400, 400)


async def test_no_more_wait_than_there_is_room_for(scene: Scene) -> None:
    """One runs and one waits; the third is told at once, and there is room again afterwards."""
    scene.engine.answer = lambda _header, _data: []
    first = asyncio.create_task(scene.ask())
    header = await scene.engine.seen.get()
    others = [asyncio.create_task(scene.ask()) for _ in range(2)]
    done, (waiting,) = await asyncio.wait(others, return_when=asyncio.FIRST_COMPLETED)
    refused = done.pop().result()
    assert refused.error == (503, 40001)
    assert refused.body["error"]["details"] == {"reason": "overloaded"}
    scene.engine.answer = heard
    await scene.engine.say(success(header, SPEECH))
    assert (await first).status == 200
    assert (await waiting).status == 200


async def again(scene: Scene, key: str, data: bytes = SECOND) -> Recognised:
    """Ask the use case itself, as after a crash: the edge has forgotten the first answer."""
    call = Call(caller=Caller(user_id=scene.host.id), request_id="r", key=key)
    sent = base64.b64encode(data).decode()
    return await scene.house.recognition.recognise(
        call, Recording(audio_data=sent, meeting_id=scene.meeting)
    )


async def test_a_retry_after_a_crash_keeps_one_result(scene: Scene) -> None:
    """The same key and content: the first result, one row, one event, one inference."""
    first = await again(scene, "k")
    assert await again(scene, "k") == first
    assert scene.engine.seen.qsize() == 1
    assert len(await scene.kept()) == 1
    assert len(await scene.house.announced()) == 1


async def test_other_content_or_another_key_is_another_result(scene: Scene) -> None:
    """A key that comes back with other audio never gets the old text."""
    tasks = {
        (await again(scene, "k")).task_id,
        (await again(scene, "k", SECOND + SECOND)).task_id,
        (await again(scene, "l")).task_id,
        (await again(scene, "")).task_id,
        (await again(scene, "")).task_id,
    }
    assert len(tasks) == 5
    assert len(await scene.house.announced()) == 5


async def test_the_same_request_twice_at_once_is_kept_once(scene: Scene) -> None:
    """Both are answered with what is kept, although the engine heard two different things."""
    number = iter("ab")
    scene.engine.answer = lambda header, _data: [
        success(header, SPEECH | {"text": next(number)}),
    ]
    first, second = await asyncio.gather(again(scene, "k"), again(scene, "k"))
    assert first == second
    assert len(await scene.kept()) == 1
    (entry,) = await scene.house.announced()
    assert entry.message.payload["text"] == first.speech.text
