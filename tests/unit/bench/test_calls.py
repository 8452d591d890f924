"""The bench of calls: all of its roads lead to the same answer, and aims are judged by ratios."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest

from tests.bench import asking
from tests.bench.answering import google, ours
from tests.bench.domains import Domains, Scene, opened, prepared
from tests.bench.result import Result
from tests.bench.roads import (
    ACCESS,
    AT_HAND,
    DIRECT,
    GOOGLE,
    JOIN,
    OURS,
    SPLIT,
    WHOLE,
    WORK,
    course,
    remarks,
)

Serve = Callable[[Domains, str], AbstractAsyncContextManager[int]]


async def scene(url: str) -> Scene:
    """Fill the database, if there is one."""
    return await prepared(url, 2) if url else Scene()


@pytest.fixture(params=["", "rows"], ids=["at hand", "with rows"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Name a database of SQLite, or none."""
    return f"sqlite+aiosqlite:///{tmp_path}/bench.db" if request.param else ""


@pytest.mark.parametrize(("way", "serve"), [("ours", ours), ("google", google), ("ours", None)])
async def test_every_road_leads_to_the_answer(way: str, serve: Serve | None, database: str) -> None:
    """By our gRPC, by grpc.aio and without either: the host may be in the meeting."""
    there = await scene(database)
    async with opened(database) as domains:
        if serve is None:
            async with asking.access(way, 0, database, there) as ask:
                found: Any = await ask()
        else:
            async with (
                serve(domains, "meeting") as port,
                asking.access(way, port, "", there) as ask,
            ):
                found = await ask()
                measured = await asking.flood(ask, 3, 0.01, [])
                assert measured.rate > 0
                assert measured.p50 <= measured.p99
    assert (found.has_access, found.error) == (True, "")


async def test_a_join_is_one_of_somebody_new(database: str) -> None:
    """Everybody is let in, through a port of the user domain, too; who is not ends the run."""
    there = await scene(database)
    async with opened(database) as domains, ours(domains, "meeting") as port:
        async with asking.ours(port, "") as meetings:
            found = await asking.joins(meetings, there, 5, [])
            assert found.p50 > 0
        if database:
            nowhere = Scene(there.host, there.guests, [99])
            with pytest.raises(Exception, match="no such meeting"):
                await asking.joins(domains.meetings, nowhere, 1, [])


def test_aims_are_judged() -> None:
    """By the median: what is missed is called so, and the figures have ratios to ours."""
    alone, split = course("access", AT_HAND, 32), course("join", AT_HAND, 1)
    runs = {
        (DIRECT.name, alone): {"rate": [9000.0], "asked": [0.0]},
        (OURS.name, alone): {"rate": [500.0], "asked": [100.0]},
        (GOOGLE.name, alone): {"rate": [1000.0]},
        (SPLIT.name, split): {"p99": [8.0]},
        (WHOLE.name, split): {"p99": [0.1]},
        (SPLIT.name, course("join", WORK, 1)): {"p99": [12.0]},
    }
    told = remarks(
        runs, Result(name="calls", again="", settings={}, figures=[], skipped={"a": "b"})
    )
    assert told == [
        "access, answer at hand, 32 streams: ours makes 0.50 of grpc.aio's calls; missed: 0.6",
        "join, answer at hand: p99 8.00 ms when split; reached: below 10 ms",
        "join, answer at hand: p99 80.00 times shorter in one process; reached: 20 times",
        "join, with its work: p99 12.00 ms when split; missed: below 10 ms",
        "a: b",
    ]
    shown = ACCESS.figures({key: runs[key] for key in runs if key[1] == alone})
    ratios = {(each.peer, each.name.split()[0]): each.ratio for each in shown if each.ratio}
    assert {key: each.middle for key, each in ratios.items()} == {
        ("direct", "calls"): 500 / 9000,
        ("grpc.aio", "calls"): 0.5,
    }
    assert JOIN.sides["p99"].more is None
