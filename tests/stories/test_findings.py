"""What is found out about a meeting: speech, and honest refusals where nothing can be."""

import base64
from pathlib import Path
from typing import Any

import pytest

from tests.recordings import spoken
from tests.stories.visit import Visit, until

pytestmark = pytest.mark.story


async def test_what_was_said(house: Visit, shared: Path) -> None:
    """Speech comes to its speaker, into the transcript and the analyses, and into the report."""
    ann, bob, cid = await house.people("ann", "bob", "cid")
    meeting = await ann.meeting()
    path = f"/meetings/{meeting}"
    await bob.data("POST", f"{path}/join")
    audio = {"audio_data": spoken(shared, 2), "meeting_id": meeting, "language": "en"}
    assert await cid.refused("POST", "/ai/speech-recognition", audio) == (403, 403)

    async def heard() -> Any:
        status, answer = await bob.ask("POST", "/ai/speech-recognition", audio)
        assert status in (200, 503), answer  # while the model is loading
        return answer["data"] if status == 200 else None

    said = await until(heard, 60)
    assert "first great sorrow" in said["text"]
    assert said["model"] == "whisper_base"

    async def lines() -> Any:
        return (await ann.data("GET", f"{path}/transcript"))["list"]

    (line,) = await until(lines)
    assert (line["text"], line["task_id"]) == (said["text"], said["task_id"])
    assert (line["username"], line["language"], line["source"]) == (bob.name, "en", "live")
    for where in (f"{path}/analysis", f"/ai/analysis/{meeting}"):
        (found,) = (await ann.data("GET", f"{where}?type=asr"))["list"]
        assert (found["task_id"], found["result"]["text"]) == (said["task_id"], said["text"])
        assert found["model_sha256"] == said["model_sha256"]
    await ann.data("POST", f"{path}/end")

    async def reported() -> Any:
        status, answer = await ann.ask("GET", f"{path}/report")
        return answer["data"] if status == 200 else None

    report = await until(reported)
    assert (report["transcript_count"], report["languages"]) == (1, {"en": 1})
    (talked,) = [each for each in report["participants"] if each["user_id"] == bob.user_id]
    assert talked["words"] == len(said["text"].replace(",", "").split())
    assert 0 < talked["talk_ms"] <= 2500
    assert await bob.refused("POST", "/ai/speech-recognition", audio) == (409, 20002)


async def test_a_meeting_without_analysis(house: Visit) -> None:
    """Where the host has turned it off nobody analyses anything, and joiners are told."""
    ann = await house.person("ann")
    meeting = await ann.meeting(settings={"enable_ai": False})
    peer = await ann.enters(meeting)
    assert peer.joined["ai_enabled"] is False
    data = base64.b64encode(bytes(32_000)).decode()
    asked = {"audio_data": data, "meeting_id": meeting}
    for path in ("/ai/speech-recognition", "/ai/asr"):
        assert await ann.refused("POST", path, asked) == (409, 40003)
    assert (await ann.data("GET", f"/ai/analysis/{meeting}"))["total"] == 0
    await peer.leave()


async def test_nothing_is_made_up(house: Visit, shared: Path) -> None:
    """What no model is there for is refused with the reason, and leaves no result behind."""
    ann = await house.person("ann")
    meeting = await ann.meeting()
    await ann.data("POST", f"/meetings/{meeting}/join")
    face = base64.b64encode((shared / "media" / "face-real-real00240.jpg").read_bytes()).decode()
    for task in ("emotion-detection", "deepfake-detection"):
        asked = {"video_frame": face, "meeting_id": meeting}
        status, answer = await ann.ask("POST", f"/ai/{task}", asked)
        assert (status, answer["code"], "data" in answer) == (503, 40001, False)
        assert answer["error"]["details"]["reason"]
    for where in (f"/ai/analysis/{meeting}", f"/meetings/{meeting}/analysis"):
        assert (await ann.data("GET", where))["total"] == 0
