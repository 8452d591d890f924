"""What the bench of relays shows of its rounds."""

from io import StringIO

from rich.console import Console

from tests.bench.delivery import SHEET, course, remarks
from tests.bench.result import Result
from tests.bench.switches import OURS


def test_losses_and_a_load_at_its_end_are_named() -> None:
    """A ratio stands in the cell of whom ours is compared with; more µs is a loss, too."""
    taken = course("relay", 100)
    runs = {
        (OURS.name, taken): {side: [300.0, 500.0] for side in SHEET.sides} | {"busy": [0.5, 0.5]},
        ("node ws, bare", taken): {side: [100.0, 100.0] for side in SHEET.sides}
        | {"busy": [0.95, 0.95]},
    }
    found = SHEET.figures(runs)
    ratios = {each.name: each.ratio.middle for each in found if each.ratio}
    assert ratios == dict.fromkeys(
        (
            f"{side} in relay, 100 connections"
            for side in ("delivered", "processor of the relay", "p50", "p99")
        ),
        4,
    )
    again = "./run bench -- relay"
    skipped = {"picows, bare": "there is no uv"}
    result = Result(name="relay", again=again, settings={}, figures=found, skipped=skipped)
    screen = StringIO()
    console = Console(file=screen, width=300)
    console.print(SHEET.table(result, found), *remarks(runs, result), sep="\n")
    shown = screen.getvalue()
    for said in (
        "400 (300 to 500)",
        "4.00 (3.00 to 5.00) times",
        "ahead",
        "we lose",
        "node ws, bare, relay, 100 connections: the load itself was busy to 95%",
        "picows, bare: there is no uv",
        again,
    ):
        assert said in shown
    assert "ours, relay" not in shown
    assert (shown.count("we lose"), shown.count("ahead")) == (3, 1)
