"""What the meeting domain makes of other domains' events: each takes effect once."""

from datetime import timedelta

import pytest

from meeting.domains.ai.events import SpeechCompleted
from meeting.domains.meeting import speech
from meeting.domains.meeting.acquaintance import appear, rename
from meeting.domains.meeting.model import PartRole
from meeting.domains.meeting.record import ANALYSES, TRANSCRIPTS
from meeting.domains.signaling.events import ConnectionClosed
from meeting.domains.user.events import UserProfileUpdated, UserStatusChanged
from meeting.kernel.clock import Clock
from meeting.kernel.consumer import Consumer
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.ids import RandomIds
from meeting.kernel.message import Entry, Event
from meeting.kernel.page import Page
from meeting.stores.relational.unit import SqlUnit, SqlUnits
from tests.unit.meeting.world import NOON, World


class OtherUnit(SqlUnit):
    """A unit of whoever publishes."""

    SOURCE = "other"


class Stopped(Exception):
    """Stands for the end of the process."""


async def publish(world: World, *events: Event, clock: Clock | None = None) -> None:
    """Announce events as another domain does."""
    units = SqlUnits(world.database, OtherUnit, clock or world.clock, RandomIds())
    async with units.write() as unit:
        for event in events:
            unit.append(event)


def spoken(meeting_id: int, **fields: object) -> SpeechCompleted:
    """Make a result of two seconds of speech."""
    values = {
        "task_id": "ai_1",
        "user_id": 2,
        "text": "it was the best of times",
        "confidence": 0.9,
        "language": "en",
        "duration": 2000,
        "timestamp": NOON + timedelta(seconds=3),
        "latency": 400,
        "started_at": NOON,
        "ended_at": NOON + timedelta(seconds=2),
        "segments": [{"start_ms": 0, "end_ms": 2000, "text": "it was the best of times"}],
        "model": "whisper_base",
        "model_sha256": "0" * 64,
    }
    return SpeechCompleted(meeting_id=meeting_id, **{**values, **fields})  # type: ignore[arg-type]


def closed(meeting_id: int, user_id: int = 2, *, last: bool = True) -> ConnectionClosed:
    """Make the news that a peer has gone."""
    return ConnectionClosed(
        room_id=f"room_{meeting_id}",
        user_id=user_id,
        reason="connection_lost",
        peer_connection_id="pc_p",
        last=last,
    )


def listener(world: World) -> Consumer:
    """Make the reader of `ai_events`."""
    return Consumer(
        "meeting",
        "ai_events",
        feed=world.feed,
        units=world.units,
        handlers={SpeechCompleted: world.speech.report},
        effects={SpeechCompleted: world.speech.keep},
    )


async def depart(world: World, entry: Entry) -> None:
    """Consume the news that a peer has gone."""
    async with world.units.write() as unit:
        await unit.advance(entry)
        await world.presence(unit, ConnectionClosed.read(entry.message), entry)


async def lines(world: World, meeting_id: int, source: str = "best") -> list[str]:
    """Read the transcript as the host."""
    found = await world.results.transcript(
        world.call(1),
        meeting_id,
        source=source,  # type: ignore[arg-type]
        user_id=None,
        page=Page(),
    )
    assert found.total == len(found.rows)
    return [line.text for line in found.rows]


async def test_a_result_that_comes_twice_is_kept_once(world: World) -> None:
    """The same result under two message ids is one passage and one analysis."""
    meeting = await world.meeting()
    await world.attendance.join(world.call(2), meeting.id)
    await publish(world, spoken(meeting.id), spoken(meeting.id), spoken(meeting.id, segment=1))
    assert await listener(world).step()
    found = await world.results.transcript(
        world.call(1), meeting.id, source="best", user_id=2, page=Page()
    )
    assert [(line.segment, line.username) for line in found.rows] == [(0, "user2"), (1, "user2")]
    results = await world.results.analysis(
        world.call(1), meeting.id, kind="speech_recognition", user_id=None, page=Page()
    )
    assert results.total == 2
    assert results.rows[0].result["duration_ms"] == 2000
    assert not await listener(world).step()


async def test_a_crash_between_document_and_cursor_repeats_without_trace(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The event comes again after the restart, the document stays one, the cursor moves once."""
    meeting = await world.meeting()
    await publish(world, spoken(meeting.id))

    def stop(name: str) -> None:
        raise Stopped(name)

    with monkeypatch.context() as patch:
        patch.setattr(speech, "failpoint", stop)
        [entry] = await world.feed.pull("meeting", "ai_events")
        with pytest.raises(Stopped):
            await world.speech.keep(spoken(meeting.id), entry)
    assert (await world.documents.find(TRANSCRIPTS, meeting_id=meeting.id, page=Page())).total == 1
    assert len(await world.feed.pull("meeting", "ai_events")) == 1
    await listener(world).step()
    for collection in (TRANSCRIPTS, ANALYSES):
        found = await world.documents.find(collection, meeting_id=meeting.id, page=Page())
        assert found.total == 1
    assert await world.feed.pull("meeting", "ai_events") == []


async def test_a_result_for_no_meeting_is_not_stored(world: World) -> None:
    """The handler refuses it with a kind that parks, and leaves no document."""
    await publish(world, spoken(77))
    [entry] = await world.feed.pull("meeting", "ai_events")
    with pytest.raises(Fault) as caught:
        await world.speech.keep(SpeechCompleted.read(entry.message), entry)
    assert caught.value.kind is Kind.MEETING_NOT_FOUND
    assert (await world.documents.find(TRANSCRIPTS, meeting_id=77, page=Page())).total == 0


async def test_offline_text_replaces_live_text_of_the_same_span(world: World) -> None:
    """`best` drops live passages that an offline one of the same user overlaps; others stay."""
    meeting = await world.meeting()
    second = timedelta(seconds=1)

    def said(text: str, begin: int, end: int, **fields: object) -> SpeechCompleted:
        return spoken(
            meeting.id,
            text=text,
            task_id=f"ai_{text}",
            started_at=NOON + begin * second,
            ended_at=NOON + end * second,
            **fields,
        )

    await publish(
        world,
        said("replaced", 0, 2),
        said("touching", 4, 5),
        said("other", 0, 2, user_id=1),
        said("offline", 1, 4, source="offline"),
    )
    await listener(world).step()
    assert await lines(world, meeting.id) == ["other", "offline", "touching"]
    assert await lines(world, meeting.id, "offline") == ["offline"]
    assert sorted(await lines(world, meeting.id, "live")) == ["other", "replaced", "touching"]


async def test_the_last_peer_gone_frees_the_seat_once(world: World) -> None:
    """The participant is left, told with the reason; the same news again says nothing."""
    meeting = await world.meeting()
    await world.attendance.join(world.call(2), meeting.id)
    await publish(world, closed(meeting.id, last=False), closed(meeting.id), closed(meeting.id))
    seated = []
    for entry in await world.feed.pull("meeting", "signaling_events"):
        await depart(world, entry)
        seated.append((await world.schedule.get(world.call(1), meeting.id)).joined)
    assert seated == [1, 0, 0]
    left = [message for message in await world.told() if message.type == "meeting.user_left"]
    assert [message.payload["reason"] for message in left] == ["connection_lost"]
    assert await world.feed.pull("meeting", "signaling_events") == []


async def test_who_came_again_keeps_the_seat(world: World) -> None:
    """News of a peer that went before the user came again, by REST or socket, unseats nobody."""
    meeting = await world.meeting()
    await world.attendance.join(world.call(2), meeting.id)
    await publish(world, closed(meeting.id))
    world.clock.move(timedelta(seconds=1))
    service = world.call(2, service="signaling")
    await world.service.validate_user_access(service, 2, meeting.id, admit=True)
    [entry] = await world.feed.pull("meeting", "signaling_events")
    await depart(world, entry)
    assert (await world.schedule.get(world.call(1), meeting.id)).joined == 1


async def test_news_after_the_end_or_of_nobody_only_moves_the_cursor(world: World) -> None:
    """An ended meeting, a stranger and an unknown room are passed over."""
    meeting = await world.meeting()
    await world.attendance.join(world.call(2), meeting.id)
    await world.lifecycle.end(world.call(1), meeting.id)
    told = await world.told()
    await publish(world, closed(meeting.id), closed(meeting.id, 9), closed(4_000_000))
    for entry in await world.feed.pull("meeting", "signaling_events"):
        await depart(world, entry)
    assert await world.told() == told
    assert await world.feed.pull("meeting", "signaling_events") == []


async def test_online_follows_the_socket(world: World) -> None:
    """A participant is online from the admission by socket until the last peer has gone."""
    meeting = await world.meeting()
    await world.attendance.join(world.call(2), meeting.id)

    async def online() -> bool:
        found = await world.attendance.participants(world.call(1), meeting.id, Page())
        return found.rows[1].online

    assert not await online()
    service = world.call(2, service="signaling")
    await world.service.validate_user_access(service, 2, meeting.id, admit=True)
    assert await online()
    await publish(world, closed(meeting.id))
    [entry] = await world.feed.pull("meeting", "signaling_events")
    await depart(world, entry)
    assert not await online()


def acquaintance(world: World) -> Consumer:
    """Make the reader of `user_events`."""
    return Consumer(
        "meeting",
        "user_events",
        feed=world.feed,
        units=world.units,
        handlers={
            UserProfileUpdated: rename,
            UserStatusChanged: appear,
        },
        pause=no_pause,
    )


async def no_pause(_seconds: float) -> None:
    """Try again at once."""


async def seats(world: World, meeting_id: int) -> dict[str, tuple[str, bool]]:
    """Read who takes part, as the host: the full name and whether online, by name."""
    found = await world.attendance.participants(world.call(1), meeting_id, Page())
    return {seat.username: (seat.full_name, seat.online) for seat in found.rows}


async def test_a_changed_profile_is_shown_in_all_lists(world: World) -> None:
    """A new full name stands in every meeting of the user; what is no name is parked, not shown."""
    first, second = await world.meeting(), await world.meeting()
    for meeting in (first, second):
        await world.attendance.join(world.call(2), meeting.id)
    await publish(
        world,
        UserProfileUpdated(user_id=2, updates={"full_name": "Bob 王", "avatar": "x"}),
        UserProfileUpdated(user_id=2, updates={"full_name": ["no", "name"]}),
        UserProfileUpdated(user_id=2, updates={"full_name": "x" * 51}),
        UserProfileUpdated(user_id=1, updates={"avatar": "y"}),
    )
    reader = acquaintance(world)
    while await reader.step():
        pass
    for meeting in (first, second):
        names = await seats(world, meeting.id)
        assert names == {"user1": ("User 1", False), "user2": ("Bob 王", False)}


async def test_who_is_online_is_shown_where_they_belong(world: World) -> None:
    """To the invited and the joined, in rows that were there and in later ones; not to the gone."""
    old = await world.meeting()
    gone = await world.meeting()
    await world.attendance.join(world.call(2), old.id)
    await world.attendance.join(world.call(2), gone.id)
    await world.attendance.leave(world.call(2), gone.id)
    reader = acquaintance(world)
    await publish(world, UserStatusChanged(user_id=2, old_status="offline", new_status="busy"))
    await reader.step()
    invited, joined = await world.meeting(), await world.meeting()
    await world.attendance.invite(world.call(1), invited.id, 2, PartRole.PARTICIPANT)
    await world.attendance.join(world.call(2), joined.id)
    wanted = {old.id: True, gone.id: False, invited.id: True, joined.id: True}
    for meeting, online in wanted.items():
        assert (await seats(world, meeting))["user2"] == ("User 2", online)
    await world.attendance.join(world.call(2), gone.id)
    assert (await seats(world, gone.id))["user2"][1]
    await publish(world, UserStatusChanged(user_id=2, old_status="busy", new_status="offline"))
    await reader.step()
    for meeting in wanted:
        assert not (await seats(world, meeting))["user2"][1]
