"""What a bench shows of what was measured."""

from io import StringIO

from rich.console import Console

from tests.bench.queue import Runs, figures
from tests.bench.ratio import Spread
from tests.bench.result import Figure, Result, table, verdict
from tests.bench.rivals import OURS


def test_a_loss_is_called_one() -> None:
    """Who is ahead in every round is ahead; where rounds disagree nobody is."""
    assert verdict(Spread(2, 1.5, 3), more=True) == "ahead"
    assert verdict(Spread(0.5, 0.4, 0.9), more=True) == "we lose"
    assert verdict(Spread(2, 1.5, 3), more=False) == "we lose"
    assert verdict(Spread(1.2, 0.9, 1.4), more=True) == "level"


def test_the_table_says_how_to_run_it_again_and_who_was_left_out() -> None:
    """Losses, the line to type and a missing peer all stand in the table."""
    lost = Figure(
        name="no-op tasks",
        unit="/s",
        value=Spread(900, 800, 1000),
        peer="SAQ",
        ratio=Spread(0.5, 0.4, 0.6),
    )
    result = Result(
        name="queue",
        again="./run bench -- queue",
        settings={},
        figures=[lost],
        skipped={"BullMQ": "there is no node"},
    )
    screen = StringIO()
    Console(file=screen, width=160).print(table(result))
    shown = screen.getvalue()
    for said in ("900 (800 to 1,000)", "we lose", "./run bench -- queue", "there is no node"):
        assert said in shown


def test_figures_compare_with_each_rival_that_ran() -> None:
    """Ours has no ratio, a rival has ours to it, one that did not run has no row."""
    runs = {(name, "one", "work"): [rate] for name, rate in ((OURS.name, 30.0), ("SAQ", 10.0))}
    empty: Runs = {
        (name, mode, side): []
        for name in (OURS.name, "ours on SQLite", "SAQ", "arq")
        for mode in ("one", "batch")
        for side in ("work", "enqueue")
    }
    found = figures({**empty, **runs}, ["SAQ", "arq"])
    assert [(each.peer, each.ratio) for each in found] == [("", None), ("SAQ", Spread(3, 3, 3))]
