"""Every call of AIService by a client made from proto/meeting.proto, and what it left behind."""

import asyncio
import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import grpc
import pytest

from tests.recordings import spoken
from tests.stories.proto import SECONDS, Stub, compiled, told
from tests.stories.test_calls import service
from tests.stories.visit import Visit, until

pytestmark = pytest.mark.story
LISTEN = "AIService/StreamAudioProcessing"
WATCH = "AIService/StreamVideoProcessing"
MOST = 65
"""More streams than anybody may have."""


async def test_each_call_of_ai_does_what_it_says(ends: Visit, shared: Path) -> None:
    """Speech is heard, whole and in pieces, and REST shows it; of pictures nothing is said."""
    ann = await ends.person("ann")
    meeting = await ann.meeting()
    audio = b64decode(spoken(shared, 2))
    about: dict[str, Any] = {"meeting_id": meeting, "user_id": ann.user_id}
    speech = about | {"format": "pcm", "sample_rate": 16_000, "language": "en"}

    async def kept() -> list[tuple[str, str]]:
        """Return by REST what was heard, and in which task."""
        rows = (await ann.data("GET", f"/ai/analysis/{meeting}"))["list"]
        assert {row["user_id"] for row in rows} <= {ann.user_id}
        assert {row["analysis_type"] for row in rows} <= {"speech_recognition"}
        return [(row["task_id"], row["result"]["text"]) for row in rows]

    async with service("AIService", ends.home.calls["ai"]) as calls:

        async def heard() -> Any:
            try:
                return await calls.call("AIService/ProcessAudioData", **speech, audio_data=audio)
            except grpc.aio.AioRpcError as error:
                assert error.code().name in ("UNAVAILABLE", "FAILED_PRECONDITION"), error
                return None  # while the model is loading

        said = await until(heard, 60)
        assert "great sorrow" in said.text
        assert await kept() == [(said.task_id, said.text)]
        found = await calls.call("AIService/GetAIAnalysis", task_id=said.task_id)
        assert (found.status, json.loads(found.result_data)["text"]) == ("ok", said.text)

        chunks = [audio[at : at + 16_000] for at in range(0, len(audio), 16_000)]
        first = {**speech, "stream_id": "s", "sequence": 1, "data": chunks[0]}
        second = {"sequence": 2, "data": chunks[1]}
        ahead = {"sequence": 4, "data": chunks[2]}
        last = {"sequence": 5, "data": chunks[3], "is_final": True}
        answers = await calls.talk(LISTEN, [first, second, ahead, second, last])
        assert [(each.result_type, each.sequence, each.is_final) for each in answers] == [
            ("speech_recognition", 2, True),
            ("gap", 4, False),
            ("gap", 2, False),
            ("speech_recognition", 5, True),
        ]
        bodies = [json.loads(each.result_data) for each in answers]
        assert bodies[1:3] == [{"expected": 3, "got": 4}, {"expected": 5, "got": 2}]
        assert [bodies[0]["end_ms"], bodies[3]["start_ms"]] == [1000, 1000]
        rows = await kept()
        assert sorted(text for _, text in rows) == sorted(
            [said.text, bodies[0]["text"], bodies[3]["text"]]
        )
        assert len({task_id for task_id, _ in rows}) == 2

        face = (shared / "media" / "face-real-real00240.jpg").read_bytes()
        look, frame = "AIService/ProcessVideoFrame", about | {"frame_data": face}
        assert await calls.status(look, **frame, tasks=["emotion"]) == "FAILED_PRECONDITION"
        unseen = await calls.call(look, **frame)
        assert (unseen.status, unseen.error != "") == ("error", True)
        reasons = {name: json.loads(found.result_data) for name, found in unseen.results.items()}
        assert reasons.keys() == {"emotion_detection", "deepfake_detection"}
        assert {each["status"] for each in reasons.values()} == {"unavailable"}
        one = {**about, "data": face, "tasks": ["emotion"]}
        assert await calls.status(WATCH, **one) == "FAILED_PRECONDITION"
        finals = await calls.talk(WATCH, [{**about, "data": face, "is_final": True}])
        assert {each.result_type: json.loads(each.result_data) for each in finals} == reasons
        assert await kept() == rows
        found = await calls.call("AIService/GetAIAnalysis", meeting_id=meeting)
        assert len(found.results) == len(rows)


async def test_a_cancelled_stream_makes_room(ends: Visit) -> None:
    """A user has all the streams that one may have; where one is cancelled another may begin."""
    ann = await ends.person("ann")
    first = {"meeting_id": await ann.meeting(), "sequence": 1, "data": bytes(9600)}
    async with (
        asyncio.timeout(60),
        Stub(compiled(), ends.home.calls["ai"], ann.token) as calls,
    ):

        async def spoken_twice(call: Any) -> None:
            for fields in (first, {"sequence": 1, "data": b"\0\0"}):
                await call.write(calls.message(LISTEN, **fields))
            await call.read()

        async def begun() -> Any:
            """Begin a stream; None where there is no room. Its answer to a repeat is waited for."""
            call, status = None, "INTERNAL"
            while status == "INTERNAL":  # a message went out too late: see Stub
                call = calls.stream(LISTEN)
                try:
                    status = await told(spoken_twice(call))
                except asyncio.InvalidStateError:
                    status = (await call.code()).name
            assert status in ("OK", "UNAVAILABLE"), status
            return call if status == "OK" else None

        streams = []
        while (call := await begun()) is not None:
            streams.append(call)
            assert len(streams) < MOST
        assert streams
        streams.pop().cancel()
        streams.append(await until(begun, SECONDS))
        assert await begun() is None
        for call in streams:
            call.cancel()
