"""Audio streams: results in order, gaps named, nothing heaped up, and whatever ends one early."""

import asyncio
import gc
import json
from collections.abc import AsyncIterator, Iterable
from contextlib import aclosing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from meeting.domains.ai.api import Chunk, StreamResult, VideoChunk
from meeting.domains.ai.running import Limits
from meeting.domains.meeting.events import UserLeft
from meeting.domains.user.events import UserRevoked
from meeting.kernel.call import Call, Caller
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.message import Event
from meeting.stores.relational.unit import SqlUnit, SqlUnits
from tests.integration.ai.laboratory import SPEECH, Laboratory, laboratory
from tests.integration.ai.peer import Peer, error, peer, success
from tests.integration.meeting.house import Person

TENTH = bytes(2 * 4800)
"""A tenth of a second at the rate of streams."""
PATIENCE = 10.0


def heard(header: dict[str, Any], data: bytes) -> list[bytes]:
    """Hear as much as was sent."""
    rate = int(header["params"]["sample_rate"])
    return [success(header, SPEECH | {"duration_ms": len(data) // 2 * 1000 // rate})]


class Source:
    """A client that sends when the test wants, and is asked for more or not."""

    def __init__(self) -> None:
        self.waiting: asyncio.Queue[Chunk | None] = asyncio.Queue()
        self.pulled = 0
        self.again = asyncio.Event()
        """Set when more is asked for than was there."""

    def send(self, *chunks: Chunk) -> None:
        """Have chunks ready."""
        for chunk in chunks:
            self.waiting.put_nowait(chunk)

    def end(self) -> None:
        """Say that nothing follows."""
        self.waiting.put_nowait(None)

    def __aiter__(self) -> AsyncIterator[Chunk]:
        return self

    async def __anext__(self) -> Chunk:
        if self.waiting.empty():
            self.again.set()
        chunk = await self.waiting.get()
        if chunk is None:
            raise StopAsyncIteration
        self.pulled += 1
        return chunk


class Scene(NamedTuple):
    """A house, an engine that the test directs, and a meeting that runs."""

    house: Laboratory
    engine: Peer
    host: Person
    meeting: int

    @property
    def call(self) -> Call:
        """Make the host's call."""
        caller = Caller(user_id=self.host.id, username="alice", token_id="jti", token_until=2**32)
        return Call(caller=caller, request_id="r")

    def chunks(self, *sequences: int, final: bool = True, **fields: Any) -> list[Chunk]:
        """Make chunks of a tenth of a second; the first says what all are."""
        first: dict[str, Any] = {"meeting_id": self.meeting, "stream_id": "s"} | fields
        made = []
        for place, sequence in enumerate(sequences):
            is_final = final and place == len(sequences) - 1
            data: dict[str, Any] = {"data": TENTH, "sequence": sequence, "is_final": is_final}
            made.append(Chunk(**(data | (first if place == 0 else {}))))
        return made

    async def hear(self, chunks: Iterable[Chunk], call: Call | None = None) -> list[StreamResult]:
        """Stream chunks to the end and return the results."""
        source = Source()
        source.send(*chunks)
        source.end()
        async with asyncio.timeout(PATIENCE):
            return [each async for each in self.house.streams.stream(call or self.call, source)]

    async def refused(self, chunks: Iterable[Chunk], call: Call | None = None) -> Fault:
        """Stream chunks and return what ends the stream."""
        with pytest.raises(Fault) as caught:
            await self.hear(chunks, call)
        return caught.value

    async def announce(self, *events: Event) -> None:
        """Publish as others do, and let it be heard of."""

        class Unit(SqlUnit):
            SOURCE = "test"

        async with SqlUnits(
            self.house.database, Unit, self.house.clock, self.house.ids
        ).write() as u:
            for event in events:
                u.append(event)
        await self.react()

    async def react(self) -> None:
        """Let it be heard of what was announced."""
        for follower in (self.house.reactions.meetings, self.house.reactions.users):
            while await follower.step():
                pass


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """Set the scene."""
    async with peer(heard) as engine, laboratory(tmp_path, engine.endpoint) as house:
        host = await house.person("alice")
        yield Scene(house, engine, host, await house.meeting(host))
        assert not len(house.running)


def data_of(result: StreamResult) -> dict[str, Any]:
    """Read a result."""
    found: dict[str, Any] = json.loads(result.result_data)
    return found


async def test_one_final_at_the_end(scene: Scene) -> None:
    """All chunks together are one segment; its result is the last, kept and announced."""
    (final,) = await scene.hear(scene.chunks(5, 6, 7, language="en"))
    assert (final.stream_id, final.sequence, final.result_type) == ("s", 7, "speech_recognition")
    assert final.is_final
    assert final.confidence == SPEECH["confidence"]
    where = {"segment": 0, "start_ms": 0, "end_ms": 300, "stable_chars": len("hello")}
    assert data_of(final) == SPEECH | {"duration_ms": 300} | where
    asked = (await scene.engine.seen.get())["params"]
    assert asked.items() >= {"sample_rate": "48000", "channels": "1", "language": "en"}.items()
    (entry,) = await scene.house.announced()
    payload = entry.message.payload
    assert payload["task_id"].startswith("ai_")
    assert payload["segment"] == 0
    assert payload["started_at"] == "2026-11-24T11:59:59.900000Z"
    found = await scene.house.ai.get_ai_analysis(scene.call, payload["task_id"])
    assert [each.user_id for each in found.results] == [scene.host.id]


async def test_a_gap_ends_the_segment_and_is_named(scene: Scene) -> None:
    """The final of what came before, then the gap, and the chunk ahead begins the next segment."""
    results = await scene.hear(scene.chunks(1, 2, 5, 6))
    assert [(each.result_type, each.sequence, each.is_final) for each in results] == [
        ("speech_recognition", 2, True),
        ("gap", 5, False),
        ("speech_recognition", 6, True),
    ]
    assert data_of(results[1]) == {"expected": 3, "got": 5}
    first, second = data_of(results[0]), data_of(results[2])
    assert (first["segment"], first["start_ms"], first["end_ms"]) == (0, 0, 200)
    assert (second["segment"], second["start_ms"], second["end_ms"]) == (1, 200, 400)
    events = [entry.message.payload for entry in await scene.house.announced()]
    assert [event["segment"] for event in events] == [0, 1]
    assert len({event["task_id"] for event in events}) == 1
    kept = await scene.house.ai.get_ai_analysis(scene.call, events[0]["task_id"])
    assert (kept.status, len(kept.results)) == ("ok", 2)


@pytest.mark.parametrize("late", [1, 2])
async def test_what_comes_again_or_late_is_dropped(scene: Scene, late: int) -> None:
    """It is named as a gap and not in the audio; what follows goes on in the same segment."""
    results = await scene.hear(scene.chunks(1, 2, late, 3))
    assert [each.result_type for each in results] == ["gap", "speech_recognition"]
    assert (results[0].sequence, data_of(results[0])) == (late, {"expected": 3, "got": late})
    assert data_of(results[1])["duration_ms"] == 300


async def test_the_end_of_the_client_is_a_final_too(scene: Scene) -> None:
    """A client that ends the stream without is_final loses nothing."""
    (final,) = await scene.hear(scene.chunks(0, 1, final=False))
    assert data_of(final)["duration_ms"] == 200


async def test_nothing_may_follow_is_final(scene: Scene) -> None:
    """The finals come, then the chunk behind the last is refused."""
    source, results = Source(), []
    source.send(*scene.chunks(0, 1), Chunk(data=TENTH, sequence=2))
    with pytest.raises(Fault) as caught:
        async for result in scene.house.streams.stream(scene.call, source):
            results.append(result)  # noqa: PERF401 - they have to be there when it ends
    assert set(caught.value.details) == {"is_final"}
    assert [each.result_type for each in results] == ["speech_recognition"]


async def test_a_client_that_keeps_the_stream_open_gets_its_end(scene: Scene) -> None:
    """After is_final nobody waits for what does not come."""
    source = Source()
    source.send(*scene.chunks(0))
    async with asyncio.timeout(PATIENCE):
        results = [each async for each in scene.house.streams.stream(scene.call, source)]
    assert len(results) == 1


@pytest.mark.parametrize(
    "change",
    [
        {"format": "wav"},
        {"sample_rate": 16_000},
        {"channels": 2},
        {"tasks": ["asr", "emotion"]},
        {"meeting_id": 99},
        {"room_id": "room_99"},
        {"user_id": 99},
        {"language": "de"},
    ],
    ids=str,
)
async def test_the_first_chunk_fixes(scene: Scene, change: dict[str, Any]) -> None:
    """A later chunk that says otherwise is refused by the field; one that repeats it is not."""
    first, last = scene.chunks(0, 1, language="en")
    same: dict[str, Any] = {
        "format": "PCM",
        "sample_rate": 48_000,
        "channels": 1,
        "meeting_id": scene.meeting,
    }
    same |= {"tasks": ["speech_recognition"], "language": "en"}
    assert await scene.hear([first, Chunk(data=TENTH, sequence=1, **same)])
    fields: dict[str, Any] = {"data": TENTH, "sequence": 1, **change}
    fault = await scene.refused([first, Chunk(**fields)])
    assert fault.kind is Kind.VALIDATION
    assert set(fault.details) == {"meeting_id" if "room_id" in change else next(iter(change))}
    assert last.sequence == 1


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"data": bytes(3)}, "data"),
        ({"data": b""}, "data"),
        ({"tasks": ["sing"]}, "tasks"),
        ({"meeting_id": 0}, "meeting_id"),
        ({"room_id": "room_x"}, "room_id"),
        ({"sample_rate": 7999}, "sample_rate"),
        ({"channels": 9}, "channels"),
        ({"language": "?"}, "language"),
        ({"format": "midi"}, "format"),
    ],
    ids=str,
)
async def test_a_bad_opening_is_refused(scene: Scene, fields: dict[str, Any], field: str) -> None:
    """Before anybody is asked anything."""
    assert set((await scene.refused(scene.chunks(0, **fields))).details) == {field}


async def test_who_may_not_is_refused(scene: Scene) -> None:
    """A stranger, somebody who speaks for another, and a meeting with analysis switched off."""
    stranger = await scene.house.person("bob")
    call = Call(caller=Caller(user_id=stranger.id), request_id="r")
    assert (await scene.refused(scene.chunks(0), call)).kind is Kind.FORBIDDEN
    assert (await scene.refused(scene.chunks(0, user_id=stranger.id))).kind is Kind.FORBIDDEN
    hidden = await scene.house.meeting(scene.host, meeting_type="private")
    fault = await scene.refused(scene.chunks(0, meeting_id=hidden), call)
    assert fault.kind is Kind.MEETING_NOT_FOUND
    off = await scene.house.meeting(scene.host, settings={"enable_ai": False})
    assert (await scene.refused(scene.chunks(0, meeting_id=off))).kind is Kind.AI_DISABLED


async def test_a_service_speaks_for_whom_it_names(scene: Scene) -> None:
    """Whoever is named is whose speech it is; nobody named is refused."""
    call = Call(caller=Caller(service="recorder"), request_id="r")
    await scene.hear(scene.chunks(0, user_id=77), call)
    (entry,) = await scene.house.announced()
    assert entry.message.payload["user_id"] == 77
    assert set((await scene.refused(scene.chunks(0), call)).details) == {"user_id"}


async def test_a_missing_model_ends_a_stream_of_one_task(scene: Scene) -> None:
    """Whether the engine says so or no model can exist; nothing is kept or announced."""
    scene.engine.answer = lambda header, _: [error(header, "unavailable: no model")]
    assert (await scene.refused(scene.chunks(0))).kind is Kind.AI_UNAVAILABLE
    for task in ("emotion", "synthesis"):
        assert (await scene.refused(scene.chunks(0, tasks=[task]))).kind is Kind.AI_UNAVAILABLE
    assert not await scene.house.announced()


@pytest.mark.parametrize("when", ["at once", "in the end"])
async def test_a_client_that_fails_beside_the_last_segment_is_no_surprise(
    scene: Scene, when: str
) -> None:
    """The stream ends with its own error, and the loop finds none that nobody has looked at."""
    said: list[Any] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: said.append(context))
    scene.engine.answer = lambda header, _: [error(header, "unavailable: no model")]

    async def going() -> AsyncIterator[Chunk]:
        for chunk in scene.chunks(0):
            yield chunk
        with suppress(asyncio.CancelledError):
            if when == "in the end":
                await asyncio.Event().wait()
        raise ConnectionError

    with pytest.raises(Fault) as caught:
        await anext(scene.house.streams.stream(scene.call, going()))
    assert caught.value.kind is Kind.AI_UNAVAILABLE
    del caught
    gc.collect()
    assert said == []


async def test_among_several_it_is_a_final(scene: Scene) -> None:
    """One says once that it is unavailable; the other has a result a segment, by their names."""
    results = await scene.hear(scene.chunks(0, 2, tasks=["emotion", " ASR"]))
    assert [each.result_type for each in results] == ["emotion", " ASR", "gap", " ASR"]
    assert data_of(results[0])["status"] == "unavailable"
    assert results[0].is_final
    scene.engine.answer = lambda header, _: [error(header, "internal: broken")]
    _, failed = await scene.hear(scene.chunks(0, tasks=["emotion", "asr"]))
    assert data_of(failed)["status"] == "error"
    assert failed.confidence == 0


async def test_the_sender_is_slowed(scene: Scene) -> None:
    """While a segment is recognised no chunk is asked for, however many are there."""
    scene.engine.answer = lambda _header, _data: []
    source = Source()
    source.send(*scene.chunks(0, 2, 3, 4, 5, 6, 7))
    stream = scene.house.streams.stream(scene.call, source)
    pending = asyncio.ensure_future(anext(stream))
    asked = await scene.engine.seen.get()
    assert source.pulled == 2
    await scene.engine.say(heard(asked, TENTH)[0])
    assert (await pending).is_final
    await stream.aclose()


async def test_a_cancelled_stream_gives_its_turn_back(scene: Scene) -> None:
    """The engine is told at once, and the next one has the only turn there is."""
    scene.engine.answer = lambda _header, _data: []
    source = Source()
    source.send(*scene.chunks(0))
    stream = scene.house.streams.stream(scene.call, source)
    pending = asyncio.ensure_future(anext(stream))
    asked = await scene.engine.seen.get()
    pending.cancel()
    async with asyncio.timeout(PATIENCE):
        cancel = await scene.engine.seen.get()
    assert (cancel["task_type"], cancel["task_id"]) == ("cancel", asked["task_id"])
    await asyncio.wait([pending])
    assert scene.house.engine.in_flight == 0
    scene.engine.answer = heard
    assert await scene.hear(scene.chunks(0))


async def ends(scene: Scene, *, busy: bool = False) -> "asyncio.Task[list[StreamResult]]":
    """Begin a stream that waits for its client, or for the engine."""
    source = Source()
    first, last = scene.chunks(0, 1)
    source.send(first)
    if busy:
        scene.engine.answer = lambda _header, _data: []
        source.send(last)

    async def listen() -> list[StreamResult]:
        async with aclosing(scene.house.streams.stream(scene.call, source)) as stream:
            return [each async for each in stream]

    task = asyncio.create_task(listen())
    async with asyncio.timeout(PATIENCE):
        if busy:
            await scene.engine.seen.get()
        else:
            await source.again.wait()
    return task


async def reason(task: "asyncio.Task[list[StreamResult]]") -> Kind:
    """Return what a stream ended with."""
    with pytest.raises(Fault) as caught:
        async with asyncio.timeout(PATIENCE):
            await task
    return caught.value.kind


@pytest.mark.parametrize("busy", [False, True], ids=["waiting", "busy"])
async def test_the_end_of_the_token_ends_it(scene: Scene, *, busy: bool) -> None:
    """Of this token or of all of the user's, whatever it is at; another's changes nothing."""
    for jti in ("jti", ""):
        task = await ends(scene, busy=busy)
        await scene.announce(
            UserRevoked(user_id=scene.host.id, reason="logout", jti="other"),
            UserRevoked(user_id=scene.host.id + 1, reason="ban"),
        )
        assert not task.done()
        await scene.announce(UserRevoked(user_id=scene.host.id, reason="logout", jti=jti))
        assert await reason(task) is Kind.UNAUTHENTICATED
        assert (await scene.refused(scene.chunks(0))).kind is Kind.UNAUTHENTICATED
        scene.house.clock.move(timedelta(minutes=2))


@pytest.mark.parametrize("busy", [False, True], ids=["waiting", "busy"])
async def test_the_end_of_the_meeting_ends_it(scene: Scene, *, busy: bool) -> None:
    """The stream is told why, and the next one is refused for the same reason."""
    task = await ends(scene, busy=busy)
    assert (await scene.host.post(f"/meetings/{scene.meeting}/end")).status == 200
    await scene.react()
    assert await reason(task) is Kind.MEETING_ENDED
    assert (await scene.refused(scene.chunks(0))).kind is Kind.MEETING_ENDED


async def test_who_leaves_is_not_listened_to_any_more(scene: Scene) -> None:
    """The user's streams end; one that began after the user had left belongs to a new stay."""
    early = scene.house.clock.now() - timedelta(seconds=1)
    task = await ends(scene)
    about = {"meeting_id": scene.meeting, "reason": "kicked", "version": 9}
    await scene.announce(
        UserLeft(user_id=scene.host.id, left_at=early, **about),  # type: ignore[arg-type]
        UserLeft(user_id=99, left_at=scene.house.clock.now(), **about),  # type: ignore[arg-type]
    )
    assert not task.done()
    now = scene.house.clock.now()
    await scene.announce(UserLeft(user_id=scene.host.id, left_at=now, **about))  # type: ignore[arg-type]
    assert await reason(task) is Kind.FORBIDDEN


async def test_time_ends_it(scene: Scene) -> None:
    """A client that says nothing for a minute, and a token that is over by itself."""
    task = await ends(scene)
    scene.house.clock.move(timedelta(seconds=59))
    scene.house.running.pulse()
    assert not task.done()
    scene.house.clock.move(timedelta(seconds=1))
    scene.house.running.pulse()
    assert await reason(task) is Kind.DEADLINE
    task = await ends(scene)
    scene.house.clock.move(timedelta(seconds=2**32))
    scene.house.running.pulse()
    assert await reason(task) is Kind.TOKEN_EXPIRED


async def test_going_down_ends_it(scene: Scene) -> None:
    """Running streams are told, and none begins."""
    task = await ends(scene)
    scene.house.running.drain()
    assert await reason(task) is Kind.UNAVAILABLE
    assert (await scene.refused(scene.chunks(0))).kind is Kind.UNAVAILABLE


async def test_a_log_that_goes_back_ends_it(scene: Scene) -> None:
    """What should have ended it may be lost; another may begin."""
    task = await ends(scene)
    reactions = scene.house.reactions
    await reactions.setback.look()
    assert len(scene.house.running)
    reactions.users.position = 10**6
    await reactions.setback.look()
    assert await reason(task) is Kind.UNAVAILABLE
    assert await scene.hear(scene.chunks(0, 1))


@pytest.mark.parametrize("end", ["revoked", "ended", "idle", "drained"])
async def test_a_client_that_takes_nothing_keeps_no_place(scene: Scene, end: str) -> None:
    """It has a result to read and does not: what ends others ends it, too, with its own error."""
    source, given = Source(), asyncio.Event()
    source.send(*scene.chunks(0, 2, final=False))

    async def taking() -> AsyncIterator[StreamResult]:
        """Be between as a transport is."""
        async with aclosing(scene.house.streams.stream(scene.call, source)) as stream:
            async for result in stream:
                yield result

    async def listen() -> list[StreamResult]:
        async with aclosing(taking()) as results:  # type: ignore[type-var]
            async for _ in results:
                given.set()
                await asyncio.Event().wait()
        return []

    task = asyncio.create_task(listen())
    async with asyncio.timeout(PATIENCE):
        await given.wait()
    running = scene.house.running
    match end:
        case "revoked":
            running.revoke(scene.host.id, "")
        case "ended":
            running.close(scene.meeting)
        case "drained":
            running.drain()
        case "idle":
            scene.house.clock.move(timedelta(seconds=59))
            running.pulse()
            assert not task.cancelling()
            scene.house.clock.move(timedelta(seconds=1))
            running.pulse()
    kinds = {"revoked": Kind.UNAUTHENTICATED, "ended": Kind.MEETING_ENDED}
    kinds |= {"idle": Kind.DEADLINE, "drained": Kind.UNAVAILABLE}
    assert await reason(task) is kinds[end]
    assert not len(running)
    assert not task.cancelling()


async def test_who_gives_up_is_cancelled_whatever_ends_it_too(scene: Scene) -> None:
    """A stream that ends while its caller goes away does not swallow the caller's cancelling."""
    source, given = Source(), asyncio.Event()
    source.send(*scene.chunks(0, 2, final=False))

    async def listen() -> list[StreamResult]:
        async with aclosing(scene.house.streams.stream(scene.call, source)) as stream:
            async for _ in stream:
                given.set()
                await asyncio.Event().wait()
        return []

    task = asyncio.create_task(listen())
    async with asyncio.timeout(PATIENCE):
        await given.wait()
    task.cancel()
    scene.house.running.drain()
    await asyncio.wait([task], timeout=PATIENCE)
    assert task.cancelled()


async def test_what_streams_hold_is_bounded(scene: Scene) -> None:
    """A chunk, a segment, the audio of all, the streams of a user and of all: each has a limit."""
    big = scene.chunks(0, data=bytes(2**20 + 2))
    assert (await scene.refused(big)).kind is Kind.TOO_LARGE
    slow = {"sample_rate": 8000, "data": bytes(2**20)}
    long = [*scene.chunks(0, final=False, **slow)]
    long += [Chunk(data=bytes(2**20), sequence=place) for place in range(1, 5)]
    assert set((await scene.refused(long)).details) == {"data"}
    scene.house.running.limits = Limits(held_bytes=3 * len(TENTH))
    assert (await scene.refused(scene.chunks(0, 1, 2, 3))).kind is Kind.AI_UNAVAILABLE
    assert len(await scene.hear(scene.chunks(0, 1, 3, 4))) == 3
    for limits in (Limits(streams=1), Limits(streams_per_user=1)):
        scene.house.running.limits = limits
        task = await ends(scene)
        fault = await scene.refused(scene.chunks(0))
        assert (fault.kind, fault.details) == (Kind.AI_UNAVAILABLE, {"reason": "overloaded"})
        assert fault.passing  # UNAVAILABLE by gRPC: to be tried again
        task.cancel()
        await asyncio.wait([task])


PICTURE = b"\xff\xd8\xff\xe0"
"""How a picture begins."""


class Frames:
    """A client that sends these pictures, and then ends the stream or says nothing more."""

    def __init__(self, *chunks: VideoChunk, ends: bool = True) -> None:
        self.left = list(chunks)
        self.ends = ends
        self.again = asyncio.Event()
        """Set when more is asked for than was there."""

    def __aiter__(self) -> AsyncIterator[VideoChunk]:
        return self

    async def __anext__(self) -> VideoChunk:
        if self.left:
            return self.left.pop(0)
        self.again.set()
        if not self.ends:
            await asyncio.Event().wait()
        raise StopAsyncIteration


async def watched(scene: Scene, *chunks: VideoChunk) -> list[StreamResult]:
    """Stream pictures to the end and return the results."""
    async with asyncio.timeout(PATIENCE):
        return [each async for each in scene.house.streams.watch(scene.call, Frames(*chunks))]


async def test_video_has_no_model_yet(scene: Scene) -> None:
    """A stream of one task is checked like a picture, then there is nobody to watch it."""

    async def watch(**fields: Any) -> Fault:
        about: dict[str, Any] = {"data": PICTURE, "meeting_id": scene.meeting}
        with pytest.raises(Fault) as caught:
            await watched(scene, VideoChunk(**(about | {"tasks": ["emotion"]} | fields)))
        return caught.value

    assert (await watch()).kind is Kind.AI_UNAVAILABLE
    assert (await watch(tasks=["emotion", "emotion_detection"])).kind is Kind.AI_UNAVAILABLE
    assert (await watch(format="png")).kind is Kind.UNSUPPORTED_FORMAT
    raw = {"format": "rgb24", "width": 2, "height": 1}
    assert set((await watch(**raw)).details) == {"frame_data"}
    assert (await watch(**raw, data=bytes(6))).kind is Kind.AI_UNAVAILABLE


@pytest.mark.parametrize("tasks", [[], ["emotion", " Deepfake"]], ids=str)
async def test_each_task_on_video_has_its_final(scene: Scene, tasks: list[str]) -> None:
    """Of several each says once that it is unavailable; the stream is read on to its is_final."""
    first = VideoChunk(
        data=PICTURE, sequence=4, meeting_id=scene.meeting, stream_id="v", tasks=tasks
    )
    names = tasks or ["emotion_detection", "deepfake_detection"]
    second = VideoChunk(data=PICTURE, sequence=5)
    results = await watched(scene, first, second, VideoChunk(sequence=6, is_final=True))
    assert [(each.result_type, each.sequence) for each in results] == [(name, 6) for name in names]
    assert {(each.stream_id, each.is_final, each.confidence) for each in results} == {
        ("v", True, 0)
    }
    assert {data_of(each)["status"] for each in results} == {"unavailable"}
    assert [each.result_type for each in await watched(scene, first, second)] == names
    ahead, late = (VideoChunk(data=PICTURE, sequence=place) for place in (7, 5))
    results = await watched(scene, first, ahead, late)
    assert [(each.result_type, each.sequence) for each in results] == [
        *((name, 4) for name in names),
        ("gap", 7),
        ("gap", 5),
    ]
    assert data_of(results[-1]) == {"expected": 8, "got": 5}
    assert not await scene.house.announced()


@pytest.mark.parametrize(
    "change",
    [
        {"format": "png"},
        {"tasks": ["asr"]},
        {"meeting_id": 99},
        {"room_id": "room_99"},
        {"user_id": 99},
        {"data": b""},
        {"data": b"GIF8"},
    ],
    ids=str,
)
async def test_the_first_picture_fixes(scene: Scene, change: dict[str, Any]) -> None:
    """A later one that says otherwise, or is none, is refused."""
    first = VideoChunk(data=PICTURE, meeting_id=scene.meeting)
    later: dict[str, Any] = {"data": PICTURE, "sequence": 1, "format": "JPEG"}
    with pytest.raises(Fault) as caught:
        await watched(scene, first, VideoChunk(**(later | change)))
    assert caught.value.kind in (Kind.VALIDATION, Kind.UNSUPPORTED_FORMAT)


async def test_a_stream_of_pictures_is_one_like_others(scene: Scene) -> None:
    """It has a place while it goes on, and what ends a stream of audio ends it, too."""
    running = scene.house.running

    async def begin() -> "asyncio.Task[list[StreamResult]]":
        frames = Frames(VideoChunk(data=PICTURE, meeting_id=scene.meeting), ends=False)

        async def watch() -> list[StreamResult]:
            return [each async for each in scene.house.streams.watch(scene.call, frames)]

        task = asyncio.create_task(watch())
        async with asyncio.timeout(PATIENCE):
            await frames.again.wait()
        assert len(running) == 1
        return task

    task = await begin()
    running.limits = Limits(streams_per_user=1)
    assert (await scene.refused(scene.chunks(0))).details == {"reason": "overloaded"}
    running.close(scene.meeting)
    assert await reason(task) is Kind.MEETING_ENDED
    task = await begin()
    scene.house.clock.move(timedelta(seconds=60))
    running.pulse()
    assert await reason(task) is Kind.DEADLINE
    task = await begin()
    running.leave(scene.meeting, scene.host.id, scene.house.clock.now())
    assert await reason(task) is Kind.FORBIDDEN
    task = await begin()
    running.revoke(scene.host.id, "")
    assert await reason(task) is Kind.UNAUTHENTICATED
    scene.house.clock.move(timedelta(minutes=2))
    task = await begin()
    running.drain()
    assert await reason(task) is Kind.UNAVAILABLE
    assert not len(running)
