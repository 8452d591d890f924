"""What the bench of relays makes of its rounds: figures, the table, and what to know of them."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from tests.bench.ratio import Spread, ratio
from tests.bench.result import Figure, Result, verdict
from tests.bench.switches import OURS

FULL = 0.9
"""A load that was busier than this may have been what could not go faster."""
SIDES = {
    "rate": ("delivered", "/s"),
    "cost": ("processor of the relay", "µs a frame"),
    "p50": ("p50", "ms"),
    "p99": ("p99", "ms"),
    "late99": ("load late, p99", "ms"),
    "busy": ("load busy", "of a core"),
}
COMPARED = {"rate": True, "cost": False, "p50": False, "p99": False}
"""What is compared, and whether more of it is better."""
NOTES = (
    "Each relay is one process, on a core with all of its threads; one load for all of them is on "
    "another. Frames are delivered while a few are in flight, one of each sender at least; "
    '"processor" is what that costs the relay\'s process. p50 and p99 count from the send to the '
    "reader's call, at an even rate that waits for nobody. Every frame is numbered: one that is "
    "lost, doubled or out of order leaves a course without figures. In a fan-out of ours the "
    "readers are all sockets of a user whom the sender names. Ours and those that read write the "
    "sender into each frame, so they send more bytes than they get: ours about 200."
)

Runs = Mapping[tuple[str, str], Mapping[str, list[float]]]
"""Per relay and course: of each side a value a round."""


def course(how: str, connections: int) -> str:
    """Name a course."""
    return f"{how}, {connections} connections"


def figures(runs: Runs) -> list[Figure]:
    """Make the figures: of each relay, and beside another's what ours is to it."""
    return [
        Figure(
            name=f"{what} in {taken}",
            unit=unit,
            value=Spread.of(theirs),
            peer="" if name == OURS.name else name,
            ratio=_compared(runs, name, taken, side),
            rounds=theirs,
        )
        for (name, taken), sides in runs.items()
        for side, (what, unit) in SIDES.items()
        if (theirs := sides.get(side))
    ]


def table(result: Result) -> Table:
    """Show a block for each course, a line for each relay, with what ours is to it."""
    made = Table(title="relay: median (least to most), ours to theirs", caption=result.again)
    made.add_column("who", no_wrap=True)
    for what, unit in SIDES.values():
        made.add_column(f"{what}, {unit}", justify="right")
    rows: dict[str, dict[str, dict[str, Figure]]] = {}
    for each in result.figures:
        side, _, taken = each.name.rpartition(" in ")
        rows.setdefault(taken, {}).setdefault(each.peer or OURS.name, {})[side] = each
    for taken, block in rows.items():
        made.add_section()
        made.add_row(taken, style="bold")
        for who, found in block.items():
            made.add_row(who, *(_cell(side, found[what]) for side, (what, _) in SIDES.items()))
    return made


def remarks(runs: Runs, result: Result) -> list[str]:
    """Say where the load was at its end, and who has no figure."""
    full = [
        f"{name}, {taken}: the load itself was busy to {middle:.0%}, so more may be in this relay"
        for (name, taken), sides in runs.items()
        if sides.get("busy") and (middle := Spread.of(sides["busy"]).middle) > FULL
    ]
    return full + [f"{who}: {why}" for who, why in result.skipped.items()]


def _compared(runs: Runs, name: str, taken: str, side: str) -> Spread | None:
    """Compare with ours, where both ran every round."""
    ours: Sequence[float] = runs.get((OURS.name, taken), {}).get(side, ())
    theirs = runs[name, taken][side]
    if side not in COMPARED or name == OURS.name or len(ours) != len(theirs):
        return None
    return ratio(ours, theirs)


def _cell(side: str, of: Figure) -> str:
    lines = [_spread(of.value)]
    if of.ratio is not None:
        lines += [f"{_spread(of.ratio)} times", verdict(of.ratio, more=COMPARED[side])]
    return "\n".join(lines)


def _spread(of: Spread) -> str:
    digits = 0 if of.middle >= 100 else 2
    middle = f"{of.middle:,.{digits}f}"
    if of.least == of.most:  # of a single round
        return middle
    return f"{middle} ({of.least:,.{digits}f} to {of.most:,.{digits}f})"
