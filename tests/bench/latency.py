"""What the bench of events makes of its rounds: the figures, the table, and who fell behind."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from tests.bench.ratio import Spread, ratio
from tests.bench.result import Figure, Result
from tests.bench.ways import WAYS, Way

KEPT = 0.9
"""Whoever handles less than this part of the rate falls behind: its times are those of a queue."""
FLOORS = {
    "asyncio.Event": "ours on SQLite",
    "Event and COMMIT, SQLite": "ours on SQLite",
    "Event and COMMIT, PostgreSQL": "ours on PostgreSQL",
    "XADD to XREAD": "ours over Redis",
}
"""What is bare, and which of ours goes the same way and is compared with it."""
SIDES = {
    "p50": ("p50", "ms"),
    "p99": ("p99", "ms"),
    "late50": ("late, p50", "ms"),
    "late99": ("late, p99", "ms"),
    "appended": ("appended", "/s"),
    "handled": ("handled", "/s"),
    "together": ("events a commit", "events"),
}
COMPARED = ("p50", "p99")
NOTES = (
    "One producer, one topic, one consumer, in one process; the handler moves its cursor and does "
    "nothing else; events that are there together share a commit. p50 and p99 count from the "
    'moment at which the producer\'s COMMIT returned (of the bare ones: from the call); "late" is '
    "from the event's place in the schedule until COMMIT returned. What is due while a commit is "
    "under way goes into the next one together."
)

Runs = Mapping[tuple[str, float], Mapping[str, Sequence[float]]]
"""Per way and rate: of each side a value a round."""


def figures(runs: Runs, rates: Sequence[float]) -> list[Figure]:
    """Make the figures: of each way, and beside a bare one how many times as long ours takes."""
    return [
        Figure(
            name=_name(side, rate),
            unit=unit,
            value=Spread.of(theirs),
            peer=way.name,
            ratio=_compared(runs, way, rate, side) if side in COMPARED else None,
            rounds=theirs,
        )
        for rate in rates
        for side, (_, unit) in SIDES.items()
        for way in WAYS
        if (theirs := runs.get((way.name, rate), {}).get(side))
    ]


def table(result: Result, rates: Sequence[float]) -> Table:
    """Show a line for each way and rate."""
    made = Table(title="events: median, and least to most", caption=result.again)
    made.add_column("who", no_wrap=True)
    for name, unit in SIDES.values():
        made.add_column(f"{name}, {unit}" if unit != "events" else name, justify="right")
    found = {(each.peer, each.name): each for each in result.figures}
    for rate in rates:
        made.add_section()
        made.add_row(f"{rate:g} a second", style="bold")
        for way in WAYS:
            if label(way.name, rate) in result.skipped:
                made.add_row(way.name, "not measured")
            else:
                made.add_row(
                    way.name,
                    *(_cell(found[way.name, _name(side, rate)].value, "\n") for side in SIDES),
                )
    return made


def remarks(runs: Runs, result: Result) -> list[str]:
    """Say how ours stands to what is bare, whose times are no latency, and who failed.

    The first is a loss always, as what is bare keeps nothing; it says what keeping costs.
    """
    lost = [
        f"{each.name}: {FLOORS[each.peer]} takes {_cell(each.ratio)} times as long as {each.peer}"
        for each in result.figures
        if each.ratio
    ]
    behind = [
        f"{name} falls behind at {rate:g} a second: it handles {middle:.0f}, and its p50 and p99 "
        "are those of a queue that grows as long as the course lasts"
        for (name, rate), sides in runs.items()
        if (middle := Spread.of(sides["handled"]).middle) < KEPT * rate
    ]
    skipped = [f"{who}: {why}" for who, why in result.skipped.items()]
    return lost + behind + skipped


def label(name: str, rate: float) -> str:
    """Name a way at a rate."""
    return f"{name}, {rate:g} a second"


def _name(side: str, rate: float) -> str:
    return label(SIDES[side][0], rate)


def _compared(runs: Runs, bare: Way, rate: float, side: str) -> Spread | None:
    """Compare ours with what is bare, where both ran every round."""
    ours = runs.get((FLOORS.get(bare.name, ""), rate), {}).get(side, ())
    theirs = runs[bare.name, rate][side]
    return ratio(ours, theirs) if len(ours) == len(theirs) else None


def _cell(of: Spread, gap: str = " ") -> str:
    digits = 0 if of.middle >= 100 else 2
    middle = f"{of.middle:,.{digits}f}"
    if of.least == of.most:  # of a single round
        return middle
    return f"{middle}{gap}({of.least:,.{digits}f} to {of.most:,.{digits}f})"
