"""From the event of a recognised passage to what a member reads over REST."""

from datetime import timedelta

import pytest

from meeting.domains.ai.api import ALIASES, REPORT, TASKS, analysis_named
from meeting.domains.ai.events import SpeechCompleted
from meeting.kernel.ids import RandomIds
from meeting.stores.relational.unit import SqlUnit, SqlUnits
from tests.integration.meeting.house import House


class AiUnit(SqlUnit):
    """A unit of the publisher."""

    SOURCE = "ai"


async def said(house: House, meeting: int, user: int, text: str, minute: int) -> None:
    """Publish a passage, and let the meeting domain handle it."""
    began = house.clock.now() + timedelta(minutes=minute)
    units = SqlUnits(house.database, AiUnit, house.clock, RandomIds())
    async with units.write() as unit:
        unit.append(
            SpeechCompleted(
                task_id=f"ai_{minute}",
                meeting_id=meeting,
                user_id=user,
                text=text,
                confidence=0.5,
                language="en",
                duration=2000,
                timestamp=began + timedelta(seconds=3),
                latency=400,
                started_at=began,
                ended_at=began + timedelta(seconds=2),
                segments=[{"start_ms": 0, "end_ms": 2000, "text": text}],
                model="whisper_base",
                model_sha256="0" * 64,
            )
        )
    while await house.heard.step():
        pass


async def test_what_was_said_is_read_back(house: House) -> None:
    """Passages by time with the contract's fields, results the newest first, filters work."""
    alice, bob = await house.person("alice"), await house.person("bob")
    meeting = await house.meeting(alice)
    await bob.post(f"/meetings/{meeting}/join")
    await said(house, meeting, bob.id, "second", 2)
    await said(house, meeting, alice.id, "first", 1)
    path = f"/meetings/{meeting}/transcript"
    page = (await bob.get(path)).data
    assert [line["text"] for line in page["list"]] == ["first", "second"]
    assert page["list"][1] == {
        "task_id": "ai_2",
        "segment": 0,
        "user_id": bob.id,
        "username": "bob",
        "text": "second",
        "language": "en",
        "confidence": 0.5,
        "started_at": "2026-11-24T12:02:00Z",
        "ended_at": "2026-11-24T12:02:02Z",
        "source": "live",
        "model": "whisper_base",
        "model_sha256": "0" * 64,
    }
    own = (await bob.get(f"{path}?user_id={bob.id}&source=live")).data
    assert [line["text"] for line in own["list"]] == ["second"]
    assert (await bob.get(f"{path}?source=offline")).data["total"] == 0
    path = f"/meetings/{meeting}/analysis"
    results = (await bob.get(f"{path}?type=asr")).data["list"]
    assert [result["task_id"] for result in results] == ["ai_2", "ai_1"]
    assert set(results[0]) == {
        "task_id",
        "analysis_type",
        "user_id",
        "status",
        "result",
        "confidence",
        "model",
        "model_sha256",
        "created_at",
    }
    assert results[0]["result"]["segments"][0]["text"] == "second"
    assert (await bob.get(f"{path}?type=emotion_detection")).data["total"] == 0


@pytest.mark.parametrize("name", [*ALIASES, *TASKS, REPORT, "ASR", "%20Speech_Recognition"])
async def test_a_type_goes_by_all_its_names(house: House, name: str) -> None:
    """A meeting's results are filtered by the names that the AI domain takes, in any case."""
    alice = await house.person("alice")
    meeting = await house.meeting(alice)
    await said(house, meeting, alice.id, "first", 1)
    found = (await alice.get(f"/meetings/{meeting}/analysis?type={name}")).data
    wanted = analysis_named(name.replace("%20", " "))
    assert found["total"] == (1 if wanted == "speech_recognition" else 0)


async def test_wrong_filters_are_refused(house: House) -> None:
    """400 with the name of the query field."""
    alice = await house.person("alice")
    meeting = await house.meeting(alice)
    for query in ("transcript?source=dead", "transcript?user_id=x", "analysis?type=mood"):
        refused = await alice.get(f"/meetings/{meeting}/{query}")
        assert refused.error == (400, 400)
        [named] = refused.body["error"]["details"]
        assert f"?{named}=" in query or f"&{named}=" in query
