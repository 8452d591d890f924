"""The roads of a call from domain to domain, what each promises, and what is measured on them."""

from collections.abc import Sequence

import msgspec

from tests.bench.ratio import Spread, ratio
from tests.bench.result import Result
from tests.bench.sheet import Runs, Sheet, Side, spread

AIM, STREAMS = 0.6, 32
"""What ours is to reach of grpc.aio, and in how many streams."""
JOIN_MS, SHORTER = 10.0, 20.0
"""Below what the calls of a join are to stay in a split, and how many times shorter in one
process."""

AT_HAND, WORK = "answer at hand", "with its work"
WORKS = (AT_HAND, WORK)


class Road(msgspec.Struct, frozen=True, kw_only=True):
    """A road under measurement."""

    name: str
    what: str
    """`access`: one call, over and over; `join`: the calls of a join."""
    way: str = "ours"
    parts: Sequence[str] = ()
    """The processes that are called, each of which calls the one before it."""
    credential: str
    deadline: str
    bounds: str
    logged: str
    failure: str
    """What the caller gets where the other side is away or fails."""
    source: str
    """Where that is said: a file of ours, or of the pinned release that was read."""


DIRECT = Road(
    name="direct",
    what="access",
    credential="none needed",
    deadline="yes",
    bounds="none needed",
    logged="span",
    failure="the fault",
    source="meeting/app/assembly/edges.py",
)
OURS = Road(
    name="ours",
    what="access",
    parts=("meeting",),
    credential="service token, who it acts for, how deep",
    deadline="yes, passed on",
    bounds="message, bodies, streams, connections",
    logged="line and span",
    failure="the same fault; tried again where that is harmless",
    source="meeting/transports/grpc/gate.py, dispatch.py, channel.py",
)
GOOGLE = Road(
    name="grpc.aio",
    what="access",
    way="google",
    parts=("meeting",),
    credential="no",
    deadline="yes",
    bounds="message (4 MiB)",
    logged="no",
    failure="a status",
    source="tests/bench/answering.py; grpc/aio/_server.py, _call.py",
)
SPLIT = msgspec.structs.replace(OURS, name="split", what="join", parts=("user", "meeting"))
WHOLE = msgspec.structs.replace(DIRECT, name="one process", what="join")
ROADS = (DIRECT, OURS, GOOGLE, SPLIT, WHOLE)

ACCESS = Sheet(
    ours=OURS.name,
    sides={
        "rate": Side("calls", "/s", compared=True, more=True),
        "p50": Side("p50", "ms", compared=True, more=False),
        "p99": Side("p99", "ms", compared=True, more=False),
        "asking": Side("processor of who asks", "µs a call", compared=True, more=False),
        "asked": Side("of who is asked", "µs a call", compared=True, more=False),
    },
)
JOIN = Sheet(
    ours=SPLIT.name,
    sides={
        "p50": Side("p50", "ms", compared=True),
        "p99": Side("p99", "ms", compared=True),
        "asking": Side("processor of who asks", "µs a join", compared=True),
        "asked": Side("of who is asked", "µs a join"),
    },
)
NOTES = (
    "access: ValidateUserAccess, asked by one process of another over one connection, each "
    "on a core of its own; the work is a read of SQLite, which the answer at hand does without, so "
    "that only the road is measured. join: the calls of one WebSocket join, GetMeeting, "
    "ValidateUserAccess, and ValidateUserAccess with admit, which asks GetUser; split over a "
    "process for each of the domains (both on one core), or in the one that asks. With its work a "
    "split is `meeting serve --only user` and `--only meeting` on PostgreSQL and Redis, and the "
    "one process works on the same PostgreSQL. What the database servers do is in the times, and "
    "not in the processor's. Where there is work it is most of a join, in both: how much "
    "shorter a join's calls are shows where the answers are at hand."
)


def course(what: str, work: str, streams: int) -> str:
    """Name a course."""
    if what == "join":
        return f"join, {work}"
    return f"access, {work}, {streams} streams" if streams > 1 else f"access, {work}, 1 stream"


def remarks(runs: Runs, result: Result) -> list[str]:
    """Say whether what is aimed at was reached, and who has no figure."""
    said = []
    for work in WORKS:
        where = course("access", work, STREAMS)
        found = _ratio(runs, OURS, GOOGLE, where, "rate")
        if found is not None:
            said.append(
                f"{where}: ours makes {spread(found)} of grpc.aio's calls;"
                f" {_judged(found.middle >= AIM)}: {AIM:g}"
            )
        where = course("join", work, 1)
        split = runs.get((SPLIT.name, where), {}).get("p99", ())
        if split:
            slowest = Spread.of(split)
            said.append(
                f"{where}: p99 {spread(slowest)} ms when split;"
                f" {_judged(slowest.middle < JOIN_MS)}: below {JOIN_MS:g} ms"
            )
        found = _ratio(runs, SPLIT, WHOLE, where, "p99")
        if found is not None:
            said.append(
                f"{where}: p99 {spread(found)} times shorter in one process;"
                f" {_judged(found.middle >= SHORTER)}: {SHORTER:g} times"
            )
    return said + [f"{who}: {why}" for who, why in result.skipped.items()]


def _ratio(runs: Runs, ours: Road, other: Road, where: str, side: str) -> Spread | None:
    one = runs.get((ours.name, where), {}).get(side, ())
    two = runs.get((other.name, where), {}).get(side, ())
    return ratio(one, two) if one and len(one) == len(two) else None


def _judged(reached: bool) -> str:
    return "reached" if reached else "missed"
