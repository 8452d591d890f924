"""Who calls, in a process of its own: `python -m tests.bench.asking WAY …`, a line of JSON.

`access` asks again and again whether a user may be in a meeting, in so many streams at a time;
`join` makes the calls of a join, one join after the other, each of another user or meeting.
"""

import argparse
import asyncio
import json
import os
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import msgspec
import uvloop

from meeting.app.assembly.edges import direct
from meeting.app.run import settle
from meeting.domains.meeting.api import MeetingApi
from meeting.domains.signaling.deadline import edge, within
from meeting.kernel.call import Call, Caller
from meeting.transports.grpc.meeting import MeetingClient
from tests.bench.answering import ANSWER, ASKED, PATH, channel
from tests.bench.domains import SECONDS, Scene, clock, opened
from tests.bench.ratio import percentile

WARM = 0.1
"""Which part of the time, or of the joins, goes by before it counts."""

Ask = Callable[[], Awaitable[object]]


class Measured(msgspec.Struct, frozen=True):
    """What came out; the last two are what this process and those asked spent on one, in µs."""

    rate: float
    p50: float
    p99: float
    asking: float
    asked: float


class Meter:
    """Seconds of processor, of this process and of those that are asked."""

    def __init__(self, others: Sequence[int]) -> None:
        self._others = others
        self._own = time.process_time()
        self._theirs = self._used()

    @property
    def own(self) -> float:
        """Return what this process has used since."""
        return time.process_time() - self._own

    @property
    def theirs(self) -> float:
        """Return what the others have used since."""
        return self._used() - self._theirs

    def _used(self) -> float:
        whole = 0.0
        for each in self._others:
            fields = Path(f"/proc/{each}/stat").read_text().rpartition(")")[2].split()
            whole += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
        return whole


async def flood(ask: Ask, streams: int, seconds: float, others: Sequence[int]) -> Measured:
    """Ask in so many streams at a time, each as soon as it has its answer."""
    taken: list[float] = []
    end = time.perf_counter() + seconds * WARM

    async def stream() -> None:
        now = time.perf_counter()
        while now < end:
            await ask()
            before, now = now, time.perf_counter()
            taken.append(now - before)

    async def together() -> None:
        await asyncio.gather(*(stream() for _ in range(streams)))

    await together()
    taken.clear()
    begun, meter = time.perf_counter(), Meter(others)
    end = begun + seconds
    await together()
    return summed(taken, time.perf_counter() - begun, meter)


async def joins(meetings: MeetingApi, scene: Scene, number: int, others: list[int]) -> Measured:
    """Make the calls of so many joins."""
    pairs = [(user, meeting) for meeting in scene.meetings for user in scene.guests]
    taken: list[float] = []
    warm = int(number * WARM)
    begun, meter = time.perf_counter(), Meter(others)
    for at in range(warm + number):
        if at == warm:
            taken.clear()
            begun, meter = time.perf_counter(), Meter(others)
        user_id, meeting_id = pairs[at % len(pairs)]
        call = edge(Caller(user_id=user_id), f"join-{at}", clock, SECONDS)
        before = time.perf_counter()
        await join(meetings, call.onward("signaling"), user_id, meeting_id)
        taken.append(time.perf_counter() - before)
    return summed(taken, time.perf_counter() - begun, meter)


async def join(meetings: MeetingApi, call: Call, user_id: int, meeting_id: int) -> None:
    """Ask what signalling asks before it seats a peer; `meeting/domains/signaling/entry.py`."""
    async with within(call, clock):
        await meetings.get_meeting(call, meeting_id)
        await meetings.validate_user_access(call, user_id, meeting_id)
    async with within(call, clock):
        access = await meetings.validate_user_access(call, user_id, meeting_id, admit=True)
    if not access.has_access:
        raise SystemExit(f"a user was not let in: {access.error}")


def summed(taken: Sequence[float], seconds: float, meter: Meter) -> Measured:
    """Sum up what was taken."""
    return Measured(
        rate=len(taken) / seconds,
        p50=1000 * percentile(taken, 0.5),
        p99=1000 * percentile(taken, 0.99),
        asking=1e6 * meter.own / len(taken),
        asked=1e6 * meter.theirs / len(taken),
    )


@asynccontextmanager
async def ours(port: int, database: str) -> AsyncIterator[MeetingApi]:
    """Call the meeting domain by our client, or in this process where there is no port."""
    if port:
        way = channel("meeting", port)
        try:
            yield MeetingClient(way)
        finally:
            await way.close()
    else:
        async with opened(database) as domains:
            yield direct(domains.meetings, "meeting", clock, SECONDS)


@asynccontextmanager
async def access(way: str, port: int, database: str, scene: Scene) -> AsyncIterator[Ask]:
    """Ask whether the host may be in a meeting."""
    user_id, meeting_id = scene.host, scene.meetings[0]
    if way == "google":
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as bare:
            ask: Any = bare.unary_unary(
                PATH,
                request_serializer=lambda asked: asked.SerializeToString(),
                response_deserializer=ANSWER.FromString,
            )
            yield lambda: ask(ASKED(user_id=user_id, meeting_id=meeting_id), timeout=SECONDS)
        return
    async with ours(port, database) as meetings:
        caller = Caller(user_id=user_id)

        def validate() -> Awaitable[object]:
            call = edge(caller, "bench", clock, SECONDS).onward("signaling")
            return meetings.validate_user_access(call, user_id, meeting_id)

        yield validate


async def main(given: argparse.Namespace) -> Measured:
    """Do what the command line says."""
    scene = msgspec.json.decode(given.scene, type=Scene)
    settle()
    if given.what == "join":
        async with ours(given.port, given.database) as meetings:
            return await joins(meetings, scene, given.number, given.process)
    async with access(given.way, given.port, given.database, scene) as ask:
        return await flood(ask, given.streams, given.seconds, given.process)


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("what", choices=("access", "join"))
    parser.add_argument("way", choices=("ours", "google"))
    parser.add_argument("--port", type=int, default=0, help="of who is asked; else this process")
    parser.add_argument("--database", default="")
    parser.add_argument("--scene", default="{}")
    parser.add_argument("--streams", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=1)
    parser.add_argument("--number", type=int, default=1)
    parser.add_argument("--process", type=int, action="append", default=[], help="that is asked")
    found = uvloop.run(main(parser.parse_args()))
    sys.stdout.write(json.dumps(msgspec.to_builtins(found)) + "\n")
