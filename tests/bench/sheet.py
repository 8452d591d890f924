"""What a bench with several courses makes of its rounds: figures, and a table with a block each."""

from collections.abc import Mapping, Sequence

import msgspec
from rich.table import Table

from tests.bench.ratio import Spread, ratio
from tests.bench.result import Figure, Result, verdict

Runs = Mapping[tuple[str, str], Mapping[str, Sequence[float]]]
"""Per who and course: of each side a value a round."""


class Side(msgspec.Struct, frozen=True):
    """One thing that is measured of everybody."""

    name: str
    unit: str
    compared: bool = False
    more: bool | None = None
    """Whether more of it is better; None: it is compared, and nobody wins or loses."""


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """What is measured in each course, and who the others are compared with."""

    ours: str
    sides: Mapping[str, Side]

    def figures(self, runs: Runs) -> list[Figure]:
        """Make the figures: of each, and beside another's what ours is to it."""
        return [
            Figure(
                name=f"{side.name} in {course}",
                unit=side.unit,
                value=Spread.of(theirs),
                peer="" if who == self.ours else who,
                ratio=self._compared(runs, who, course, key),
                rounds=theirs,
            )
            for (who, course), sides in runs.items()
            for key, side in self.sides.items()
            if (theirs := sides.get(key))
        ]

    def table(self, result: Result, figures: Sequence[Figure]) -> Table:
        """Show a block for each course, and in it a line for each who ran it."""
        made = Table(
            title=f"{result.name}: median (least to most), {self.ours} to theirs",
            caption=result.again,
        )
        made.add_column("who", no_wrap=True)
        for side in self.sides.values():
            made.add_column(f"{side.name}, {side.unit}", justify="right")
        blocks: dict[str, dict[str, dict[str, Figure]]] = {}
        for each in figures:
            name, _, course = each.name.rpartition(" in ")
            blocks.setdefault(course, {}).setdefault(each.peer or self.ours, {})[name] = each
        for course, block in blocks.items():
            made.add_section()
            made.add_row(course, style="bold")
            for who, found in block.items():
                cells = [_cell(side, found.get(side.name)) for side in self.sides.values()]
                made.add_row(who, *cells)
        return made

    def _compared(self, runs: Runs, who: str, course: str, key: str) -> Spread | None:
        """Compare with ours, where both ran every round."""
        ours = runs.get((self.ours, course), {}).get(key, ())
        theirs = runs[who, course][key]
        if not self.sides[key].compared or who == self.ours or len(ours) != len(theirs):
            return None
        if not all(theirs):  # they have no such part, as who calls directly asks no process
            return None
        return ratio(ours, theirs)


def spread(of: Spread) -> str:
    """Write a median with its range; of a single round there is none."""
    digits = 0 if of.middle >= 100 else 2
    middle = f"{of.middle:,.{digits}f}"
    if of.least == of.most:
        return middle
    return f"{middle} ({of.least:,.{digits}f} to {of.most:,.{digits}f})"


def _cell(side: Side, of: Figure | None) -> str:
    if of is None:
        return ""
    lines = [spread(of.value)]
    if of.ratio is not None:
        lines.append(f"{spread(of.ratio)} times")
        if side.more is not None:
            lines.append(verdict(of.ratio, more=side.more))
    return "\n".join(lines)
