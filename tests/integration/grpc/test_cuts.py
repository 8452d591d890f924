"""Connections that go in the middle of calls: each call ends soon, as an answer or as a fault."""

import asyncio
import gc
import random
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest
import uvloop
from structlog.testing import capture_logs

from meeting.kernel.call import Call
from meeting.kernel.errors import Fault, Kind
from meeting.transports.grpc.channel import Channel
from meeting.transports.grpc.messages.grpc import GetUserRequest, GetUserResponse
from meeting.transports.grpc.server import Port
from tests.front import Front, front
from tests.integration.grpc.test_channel import GET, counted, named
from tests.integration.grpc.world import call, channel, port

PATIENCE = 10.0
SIZES = (1, 100_000, 3_000_000)
LARGE = msgspec.structs.replace(GET, encode=lambda _: b"\x0a" + b"a" * 3_000_000)
"""Is no message, which is found out once it has arrived."""


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[Front]:
    """The user domain."""
    async with front(tmp_path) as opened:
        yield opened


async def test_who_waits_for_a_connection_that_goes(house: Front) -> None:
    """A call that waits until another has ended goes on elsewhere when their connection ends."""
    begun, go = asyncio.Event(), asyncio.Event()

    async def slow(asking: Call, asked: Any) -> Any:
        begun.set()
        await go.wait()
        return await named(asking, asked)

    rpcs, came = counted(house, slow)
    async with (
        port(house, rpcs, streams=1) as opened,
        channel(house, opened, seconds=PATIENCE) as way,
    ):
        calls = [
            asyncio.create_task(way.call(GET, call(), GetUserRequest(number)))
            for number in range(1, 4)
        ]
        await begun.wait()
        go.set()
        (guest,) = opened.guests
        guest.transport.abort()
        assert [each.id for each in await asyncio.gather(*calls)] == [1, 2, 3]
        assert {asked.user_id for asked in came} == {1, 2, 3}


@pytest.mark.parametrize("seed", range(3))
def test_whatever_befalls_connections(tmp_path: Path, seed: int) -> None:
    """Cut or closed from either side at any moment, they raise no accident: on the real loop."""
    accidents: list[dict[str, Any]] = []

    async def scene() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(lambda _loop, context: accidents.append(context))
        async with front(tmp_path) as house:
            await _cut(house, random.Random(seed))  # noqa: S311 - a plan, no secret

    with (
        capture_logs() as lines,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        runner.run(scene())
        gc.collect()  # a task whose exception nobody took says so at its end
    assert accidents == []
    assert [line for line in lines if line["log_level"] == "error"] == []


async def _cut(house: Front, chance: random.Random) -> None:
    async def answer(_call: Call, asked: Any) -> Any:
        await asyncio.sleep(chance.random() * 0.01)
        return GetUserResponse(id=asked.user_id, username="x" * chance.choice(SIZES))

    rpcs, _ = counted(house, answer)
    async with (
        port(house, rpcs, streams=5) as opened,
        channel(house, opened, seconds=PATIENCE) as way,
    ):
        ends = await asyncio.gather(
            *(_calls(way, number) for number in range(20)), _cuts(opened, way, chance)
        )
    ok = [end for each in ends[:-1] for end in each if end is None]
    assert ok
    assert {end.kind for each in ends[:-1] for end in each if end} <= {
        Kind.UNAVAILABLE,
        Kind.VALIDATION,
    }


async def _calls(way: Channel, number: int) -> list[Fault | None]:
    """Call again and again, in turn with a large request, which is refused; how each call ended."""
    ends: list[Fault | None] = []
    for turn in range(10):
        try:
            found = await way.call(LARGE if turn % 3 == 2 else GET, call(), GetUserRequest(number))
        except Fault as fault:
            ends.append(fault)
        else:
            assert found.id == number
            ends.append(None)
    return ends


async def _cuts(opened: Port, way: Channel, chance: random.Random) -> list[Fault | None]:
    """End the connection in any way, now and then."""
    for _ in range(20):
        await asyncio.sleep(chance.random() * 0.1)
        link = way._places[0].link
        for each in [*opened.guests, *([link] if link else [])]:
            ways: list[Callable[[], object]] = [
                each.transport.abort,
                each.transport.close,
                each.leave,
            ]
            chance.choice([*ways, bool])()
    return []
