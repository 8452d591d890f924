"""The client of the engine, against a peer that misbehaves on a real socket."""

import asyncio
import contextlib
import math
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import structlog
from hypothesis import given, settings, strategies as st

from meeting.kernel.clock import SystemClock
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.ids import RandomIds
from meeting.text import say
from meeting.transports.zeromq import wire
from meeting.transports.zeromq.client import EngineClient
from meeting.transports.zeromq.pulse import PAUSE_SECONDS
from tests.integration.ai.peer import error, peer, success

CLOCK = SystemClock()


def echo(header: dict[str, Any], data: bytes) -> list[bytes]:
    """Answer with what was asked."""
    return [success(header, {"bytes": len(data), "params": header["params"]})]


def silent(_header: dict[str, Any], _data: bytes) -> list[bytes]:
    """Answer nothing."""
    return []


@asynccontextmanager
async def client(endpoint: str, **options: Any) -> AsyncIterator[EngineClient]:
    """Run a client."""
    made = EngineClient(lambda: endpoint, clock=CLOCK, ids=RandomIds(), **options)
    task = asyncio.create_task(made.run())
    try:
        yield made
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def infer(engine: EngineClient, seconds: float = 20, data: bytes = b"") -> dict[str, Any]:
    """Ask for speech."""
    return await engine.infer(
        "speech_recognition", data, {"format": "pcm"}, CLOCK.monotonic() + seconds
    )


async def refused(engine: EngineClient, seconds: float = 20) -> Fault:
    """Ask for speech and return the fault."""
    with pytest.raises(Fault) as caught:
        await infer(engine, seconds)
    return caught.value


async def test_many_requests_are_in_flight_at_once() -> None:
    """Replies come in the opposite order and each finds its request."""
    held: list[tuple[dict[str, Any], bytes]] = []

    def backwards(header: dict[str, Any], data: bytes) -> list[bytes]:
        held.append((header, data))
        if len(held) < 20:
            return []
        return [success(header, {"bytes": len(data)}) for header, data in reversed(held)]

    async with peer(backwards) as engine, client(engine.endpoint) as asking:
        results = await asyncio.gather(*(infer(asking, data=bytes(n)) for n in range(20)))
    assert [result["bytes"] for result in results] == list(range(20))


async def test_the_deadline_travels_and_is_kept() -> None:
    """The engine hears of the deadline; one that ignores it is given up a little later."""
    async with peer(silent) as engine, client(engine.endpoint) as asking:
        began = time.monotonic()
        fault = await refused(asking, 0.5)
        assert fault.kind is Kind.DEADLINE
        assert 0.5 <= time.monotonic() - began < 3
        header = await engine.seen.get()
        assert 1 <= int(header["params"]["deadline_ms"]) <= 500
        cancel = await engine.seen.get()
        assert (cancel["task_type"], cancel["task_id"]) == ("cancel", header["task_id"])
        assert asking.in_flight == 0


async def test_no_deadline_is_none() -> None:
    """Where a person at a debugger is waited for, nothing is said about time."""
    async with peer(echo) as engine, client(engine.endpoint) as asking:
        result = await asking.infer("speech_recognition", b"", {}, math.inf)
        assert "deadline_ms" not in result["params"]


async def test_a_deadline_that_has_passed_asks_nobody() -> None:
    """Nothing is sent for nothing."""
    async with peer(echo) as engine, client(engine.endpoint) as asking:
        assert (await refused(asking, 0)).kind is Kind.DEADLINE
        assert engine.seen.empty()


async def test_cancelling_frees_the_place_and_tells_the_engine() -> None:
    """A caller who goes away leaves nothing running; its late reply is dropped."""
    async with peer(silent) as engine, client(engine.endpoint, in_flight=1) as asking:
        task = asyncio.create_task(infer(asking))
        header = await engine.seen.get()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        cancel = await engine.seen.get()
        assert (cancel["task_type"], cancel["task_id"]) == ("cancel", header["task_id"])
        await engine.say(success(header, {"late": True}))
        engine.answer = echo
        assert (await infer(asking))["bytes"] == 0


async def test_requests_in_flight_are_bounded() -> None:
    """One more than fits is told at once that there is no room."""
    async with peer(silent) as engine, client(engine.endpoint, in_flight=2) as asking:
        tasks = [asyncio.create_task(infer(asking)) for _ in range(2)]
        for _ in tasks:
            await engine.seen.get()
        fault = await refused(asking)
        assert (fault.kind, fault.details["reason"]) == (Kind.AI_UNAVAILABLE, "overloaded")
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def test_nobody_there_is_known_within_seconds() -> None:
    """Without an engine a request of two minutes ends after two seconds."""
    async with peer(silent) as engine:
        endpoint = engine.endpoint
    async with client(endpoint) as asking:
        began = time.monotonic()
        fault = await refused(asking, 120)
        assert fault.kind is Kind.AI_UNAVAILABLE
        assert fault.details["reason"]
        assert time.monotonic() - began < 4


async def test_an_engine_that_dies_takes_its_requests_along_at_once() -> None:
    """What is in flight ends when the connection breaks; a new engine is used without a restart."""
    async with peer(silent) as first:
        endpoint = first.endpoint
        async with client(endpoint) as asking:
            task = asyncio.create_task(refused(asking, 120))
            await first.seen.get()
            began = time.monotonic()
            await first.close()
            fault = await task
            assert fault.kind is Kind.AI_UNAVAILABLE
            assert time.monotonic() - began < 1
            async with peer(echo, endpoint):
                assert (await infer(asking))["bytes"] == 0


async def test_an_engine_that_hangs_is_noticed() -> None:
    """Its socket is open but it answers no ping: its requests end, and later it is used again."""
    async with peer(silent) as engine, client(engine.endpoint) as asking:
        task = asyncio.create_task(refused(asking, 120))
        await engine.seen.get()
        began = time.monotonic()
        engine.pings = False
        fault = await task
        assert fault.kind is Kind.AI_UNAVAILABLE
        assert time.monotonic() - began < 4
        assert not asking.alive
        engine.pings = True
        engine.answer = echo
        assert (await infer(asking))["bytes"] == 0


async def test_one_lost_ping_is_no_death() -> None:
    """A single one that goes unanswered, as after a pause at a debugger, ends nothing."""
    async with peer(silent) as engine, client(engine.endpoint) as asking:
        task = asyncio.create_task(infer(asking))
        header = await engine.seen.get()
        engine.skip = 1
        while await engine.beats.get():
            pass
        assert await engine.beats.get()
        await engine.say(success(header, {"kept": True}))
        assert await task == {"kept": True}


@pytest.mark.parametrize(
    ("text", "kind", "details"),
    [
        ("unavailable: no model", Kind.AI_UNAVAILABLE, {"reason": "no model"}),
        ("overloaded: 64 wait", Kind.AI_UNAVAILABLE, {"reason": "overloaded"}),
        ("invalid: format: no WAV", Kind.UNSUPPORTED_FORMAT, {}),
        (
            "invalid: sample_rate: must be 8000 to 192000, found 0",
            Kind.VALIDATION,
            {"sample_rate": "must be 8000 to 192000, found 0"},
        ),
        ("invalid: {x} is odd", Kind.VALIDATION, {"request": "{x} is odd"}),
        ("deadline: 500 ms", Kind.DEADLINE, {}),
        ("cancelled: ", Kind.AI_UNAVAILABLE, {"reason": "the engine stopped the task"}),
        ("internal: out of luck", Kind.AI_FAILED, {}),
        ("", Kind.AI_FAILED, {}),
        ("nonsense", Kind.AI_FAILED, {}),
    ],
)
async def test_errors_of_the_engine_have_their_kinds(
    text: str, kind: Kind, details: dict[str, str]
) -> None:
    """Each word of the wire is one kind; what nobody knows is a failure."""
    async with (
        peer(lambda header, _data: [error(header, text)]) as engine,
        client(engine.endpoint) as asking,
    ):
        fault = await refused(asking)
    assert (fault.kind, fault.details) == (kind, details)


@pytest.mark.parametrize("text", ["internal: ONNX Runtime: /opt/models/x.onnx", "{0} Segfault", ""])
async def test_what_broke_inside_the_engine_is_for_the_log(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The client reads the same fixed words each time, in its language; the log has the rest."""
    async with (
        peer(lambda header, _data: [error(header, text)]) as engine,
        client(engine.endpoint) as asking,
    ):
        with structlog.contextvars.bound_contextvars(request_id="r-7"):
            fault = await refused(asking)
    english, chinese = say(fault, "en"), say(fault, "zh")
    assert english == "the engine failed; the log has the reason under the request id"
    assert chinese != english
    assert fault.details == {}
    (line,) = [line for line in capsys.readouterr().out.splitlines() if "engine refused" in line]
    assert "r-7" in line
    assert text in line


@pytest.mark.parametrize(
    "changes",
    [
        {"status": "fine"},
        {"result": None},
        {"result": [1]},
        {"latency": "1"},
        {"error": None},
    ],
)
async def test_a_reply_that_is_none_is_a_failure(changes: dict[str, Any]) -> None:
    """A reply with the wrong types fails its own request at once."""
    async with (
        peer(lambda header, _data: [success(header, {}, **changes)]) as engine,
        client(engine.endpoint) as asking,
    ):
        assert (await refused(asking, 60)).kind is Kind.AI_FAILED


DEEP = b'{"x":' + b'{"a":' * 5_000
"""Nested so deeply that a reader runs out of stack before it finds the end missing."""


@pytest.mark.parametrize(
    "garbage",
    [b"", b"\xff\xfe", b"[" * 100_000, DEEP, b'{"task_id":7}', b'{"task_id":"","x":NaN}'],
    ids=range(6),
)
async def test_garbage_fails_what_waits_and_the_client_goes_on(garbage: bytes) -> None:
    """Nobody waits for two minutes because the engine talks nonsense."""
    async with peer(lambda _h, _d: [garbage]) as engine, client(engine.endpoint) as asking:
        assert (await refused(asking, 60)).kind is Kind.AI_FAILED
        engine.answer = echo
        assert (await infer(asking))["bytes"] == 0


async def test_a_reply_that_is_too_large_ends_the_connection_not_the_client() -> None:
    """Nine megabytes of reply are cut off by the socket, and the next request is answered."""
    huge = b" " * 9_000_000
    async with peer(lambda _h, _d: [huge]) as engine, client(engine.endpoint) as asking:
        assert (await refused(asking, 60)).kind is Kind.AI_UNAVAILABLE
        engine.answer = echo
        assert (await infer(asking))["bytes"] == 0


async def test_foreign_replies_are_ignored() -> None:
    """A task id that nobody waits for disturbs nobody."""

    def twice(header: dict[str, Any], _data: bytes) -> list[bytes]:
        stray = success(header, {"stray": True}, task_id="0" * 32)
        return [stray, success(header, {"own": True}), success(header, {"again": True})]

    async with peer(twice) as engine, client(engine.endpoint) as asking:
        assert await infer(asking) == {"own": True}
        assert await infer(asking) == {"own": True}


@given(st.binary(max_size=300) | st.text(max_size=300).map(str.encode))
@settings(max_examples=2000, deadline=None)
def test_no_bytes_break_the_reader(frame: bytes) -> None:
    """Whatever comes is a reply, a name or nothing."""
    assert isinstance(wire.read(frame), wire.Reply | str)


@given(st.text(max_size=400))
@settings(max_examples=2000, deadline=None)
def test_any_error_text_is_a_fault(text: str) -> None:
    """Whatever an engine complains of becomes one of the known errors."""
    assert wire.fault(text).kind in {
        Kind.AI_UNAVAILABLE,
        Kind.AI_FAILED,
        Kind.DEADLINE,
        Kind.VALIDATION,
        Kind.UNSUPPORTED_FORMAT,
    }


async def test_somebody_who_is_no_engine_is_not_asked_without_end() -> None:
    """A ROUTER that answers a ping with nonsense gets the next one after a pause."""
    async with peer(echo) as other, client(other.endpoint) as asking:
        other.foreign = True
        await other.beats.get()
        began = time.monotonic()
        for _ in range(5):
            await other.beats.get()
        assert time.monotonic() - began >= 5 * PAUSE_SECONDS
        assert not asking.alive
        other.foreign = False
        assert (await infer(asking))["bytes"] == 0


async def turns(asking: EngineClient) -> None:
    """Let every task go as far as it can; none may wait for an answer to what was never sent."""
    for _ in range(20):
        await asyncio.sleep(0)
    assert not asking._pending


async def test_a_connection_that_breaks_as_it_opens_swallows_no_request() -> None:
    """Whoever waited for it waits for the next one, and is answered by that."""
    async with peer(echo) as engine, client(engine.endpoint) as asking:
        assert (await infer(asking))["bytes"] == 0
        socket, asking._socket = asking._socket, None
        asking._open.clear()
        waiting = asyncio.create_task(infer(asking))
        await turns(asking)
        asking._open.set()
        asking._open.clear()
        await turns(asking)
        asking._socket = socket
        asking._open.set()
        assert (await waiting)["bytes"] == 0


async def test_a_port_where_something_else_listens_is_no_engine_until_one_comes() -> None:
    """Bytes that are no ZeroMQ end in `unavailable`; the engine that comes later is found."""

    async def greet(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 mail.example ready\r\n" * 10)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with client(f"tcp://127.0.0.1:{port}") as asking:
        assert (await refused(asking)).kind is Kind.AI_UNAVAILABLE
        server.close()
        await server.wait_closed()
        async with peer(echo, f"tcp://127.0.0.1:{port}"):
            assert (await infer(asking))["bytes"] == 0
