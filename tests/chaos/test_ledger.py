"""The ledger, short: nothing is lost or doubled, and what would lose or double turns it red."""

import asyncio
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.plan import EMBEDDED, SERVERS, SPLIT

pytestmark = [pytest.mark.chaos, pytest.mark.long]

ROOT = Path(__file__).parents[2]
PATIENCE = 300
CASTS = {"embedded": EMBEDDED, "servers": SERVERS, "split": SPLIT}
SEED = "2026"
KILLS = {"embedded": 8, "servers": 8, "split": 4}
MORE = {"fence": 4}
"""How many times more strikes show a sabotage: on a busy machine few stops outlast a commit."""
AMOUNTS = {
    "embedded": ("--tasks", "1200", "--events", "300"),
    "servers": ("--tasks", "1200", "--events", "300"),
    "split": ("--tasks", "24"),
}
"""Of the sabotaged runs too, which stop at the first red, most often long before that."""


async def ledger(layout: str, *options: str) -> tuple[int | None, dict[str, Any], str]:
    """Run a ledger; the exit code, its last line, and what it said."""
    command = ["-m", "tests.chaos", "--layout", layout, "--seed", SEED]
    command += ["--kills", str(KILLS[layout]), *AMOUNTS[layout], *options]
    pipe = asyncio.subprocess.PIPE
    child = await asyncio.create_subprocess_exec(
        sys.executable,
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=pipe,
        stderr=pipe,
        cwd=ROOT,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            out, said = await child.communicate()
    finally:
        if child.returncode is None:
            child.terminate()  # it ends all that it has started
            await child.wait()
    assert out, said.decode()
    return child.returncode, json.loads(out.splitlines()[-1]), said.decode()


def case(layout: str, *more: str) -> object:
    """Make a case of a layout; that in several processes belongs to another session."""
    marks = [pytest.mark.apart] if layout == "split" else []
    return pytest.param(layout, *more, marks=marks, id="-".join((*more, layout)))


@pytest.mark.parametrize("layout", [case(layout) for layout in CASTS])
async def test_nothing_is_lost_or_doubled(
    layout: str, record_property: Callable[[str, object], None]
) -> None:
    """Whatever is killed, held still or cut off: all that was acknowledged has happened once."""
    code, told, said = await ledger(layout)
    record_property("ledger", told)
    assert code == 0, (told, said)
    assert (told["kills"], told["lost"], told["doubled"], told["falls"]) == (KILLS[layout], 0, 0, 0)


@pytest.mark.parametrize(
    ("layout", "sabotage"),
    [case(layout, name) for layout, cast in CASTS.items() for name in cast.aims],
)
async def test_it_turns_red(layout: str, sabotage: str) -> None:
    """A part that is broken on purpose is found out."""
    strikes = str(MORE.get(sabotage, 1) * KILLS[layout])
    code, told, said = await ledger(layout, "--sabotage", sabotage, "--kills", strikes)
    assert code == 1, (told, said)
    assert told["lost"] + told["doubled"] > 0, (told, said)
