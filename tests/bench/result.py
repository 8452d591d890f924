"""Figures of a bench: one JSON file a run, a line for each, and the tables made of them."""

import json
import os
import platform
from collections.abc import Sequence
from pathlib import Path

import msgspec
from rich.table import Table

from tests.bench.ratio import Spread

PLACE = Path(__file__).parents[2] / "build" / "bench"


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that was measured, beside a peer's (`ratio` is ours to theirs, round by round)."""

    name: str
    unit: str
    value: Spread
    peer: str = ""
    ratio: Spread | None = None
    rounds: Sequence[float] = ()


class Result(msgspec.Struct, frozen=True, kw_only=True):
    """All that came out of one run, and how to run it again."""

    name: str
    again: str
    settings: dict[str, str | int | float]
    figures: Sequence[Figure]
    skipped: dict[str, str] = {}
    guarantees: Sequence[dict[str, str | bool]] = ()

    def write(self) -> Path:
        """Write the file that tables are made from."""
        PLACE.mkdir(parents=True, exist_ok=True)
        file = PLACE / f"{self.name}.json"
        machine = {"cores": os.cpu_count(), "python": platform.python_version()}
        whole = msgspec.to_builtins(self) | {"machine": machine}
        file.write_text(json.dumps(whole, indent=2) + "\n")
        return file

    def lines(self) -> list[str]:
        """Return each figure as one line of JSON."""
        return [
            json.dumps(
                {
                    "name": each.name,
                    "value": round(each.value.middle, 3),
                    "unit": each.unit,
                    "peer": each.peer,
                    "ratio": each.ratio and round(each.ratio.middle, 3),
                }
            )
            for each in self.figures
        ]


def table(result: Result, *, more: bool = True) -> Table:
    """Show figures; a ratio on the wrong side of 1 is called a loss. `more`: more is better."""
    made = Table(title=f"{result.name}: median (least to most)", caption=result.again)
    for name in ("measured", "who", "figure", "ours to theirs", ""):
        made.add_column(name, justify="right" if "fig" in name or "ours" in name else "left")
    for each in result.figures:
        made.add_row(
            each.name,
            each.peer or "ours",
            f"{_spread(each.value)} {each.unit}",
            _spread(each.ratio) if each.ratio else "",
            verdict(each.ratio, more=more),
        )
    for who, why in result.skipped.items():
        made.add_row("", who, "not measured", "", why)
    return made


def promises(result: Result) -> Table:
    """Show what each promises, in the order of the figures."""
    made = Table(title="What each promises", caption="The sources stand in the JSON file.")
    for name in result.guarantees[0]:
        if name != "source":
            made.add_column(name)
    for row in result.guarantees:
        made.add_row(*(_word(value) for name, value in row.items() if name != "source"))
    return made


def verdict(ratio: Spread | None, *, more: bool) -> str:
    """Say who is ahead; where rounds disagree nobody is."""
    if ratio is None:
        return ""
    if ratio.least > 1 or ratio.most < 1:
        return "ahead" if (ratio.least > 1) is more else "we lose"
    return "level"


def _word(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return str(value)


def _spread(of: Spread) -> str:
    digits = 0 if of.middle >= 100 else 2
    return f"{of.middle:,.{digits}f} ({of.least:,.{digits}f} to {of.most:,.{digits}f})"
