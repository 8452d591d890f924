"""Each way under measurement brings every event, and what is made of the rounds tells losses."""

from io import StringIO

import pytest
from rich.console import Console

from tests.bench.latency import SIDES, figures, remarks, table
from tests.bench.passage import run
from tests.bench.result import Result
from tests.bench.ways import WAYS, Place, Way
from tests.redis import Redis


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.name)
async def test_all_arrive(way: Way, url: str, redis: Redis) -> None:
    """Every event is committed and handled, once, and the run ends by itself."""
    found = await run(way, Place(url, redis.url()), 20, 1000, patience=30)
    assert found.handled > 0
    assert found.p50 <= found.p99


async def test_a_way_that_loses_events_has_no_figure(url: str) -> None:
    """What does not arrive in time ends the run with the number that is missing."""
    (way,) = [each for each in WAYS if each.name == "asyncio.Event"]
    with pytest.raises(SystemExit, match="20 of 20"):
        await run(way, Place(url, ""), 20, 1, patience=0)


def test_the_table_has_a_line_a_way_and_says_who_fell_behind() -> None:
    """Ratios stand to what is bare, and times of a queue that grows are called so."""
    slow, bare = ("ours on SQLite", 1000.0), ("asyncio.Event", 1000.0)
    runs = {
        slow: {side: [200.0, 400.0] for side in SIDES},
        bare: {side: [2.0, 2.0] for side in SIDES} | {"handled": [1000.0, 1000.0]},
    }
    skipped = {
        f"{way.name}, 1000 a second": "failed: no server"
        for way in WAYS
        if (way.name, 1000.0) not in runs
    }
    found = figures(runs, [1000])
    ratios = {(each.peer, each.name): each.ratio.middle for each in found if each.ratio}
    assert ratios == {
        ("asyncio.Event", "p50, 1000 a second"): 150,
        ("asyncio.Event", "p99, 1000 a second"): 150,
    }
    result = Result(
        name="events",
        again="./run bench -- events",
        settings={},
        figures=found,
        skipped=skipped,
    )
    screen = StringIO()
    console = Console(file=screen, width=300)
    console.print(table(result, [1000]), *remarks(runs, result), sep="\n")
    shown = screen.getvalue()
    for said in (
        "300 ",
        "not measured",
        "ours over Redis, 1000 a second: failed: no server",
        "ours on SQLite takes 150 (100 to 200) times as long as asyncio.Event",
        "ours on SQLite falls behind at 1000 a second: it handles 300",
    ):
        assert said in shown
    assert "asyncio.Event falls behind" not in shown
