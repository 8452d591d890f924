"""Tasks per second, ours beside the others', on one Redis with the same append-only setting."""

import argparse
import json
import os
import subprocess
from collections import defaultdict

import msgspec
from rich.console import Console
from rich.progress import Progress

from tests.bench.bounds import positive
from tests.bench.environment import ROOT, Missing, command
from tests.bench.ratio import Spread, ratio
from tests.bench.result import Figure, Result, promises, table
from tests.bench.rivals import OURS, RIVALS, SQLITE, Rival
from tests.redis import redis

MODES = {"one": "one at a time", "batch": "in batches of 32"}
SIDES = {"work": "no-op tasks", "enqueue": "enqueue"}
PATIENCE = 330
"""Seconds for one peer's run; it gives up by itself before."""

Runs = dict[tuple[str, str, str], list[float]]
"""Per peer, mode and side: a rate a round."""


def options(parser: argparse.ArgumentParser) -> None:
    """Say what can be set."""
    whole = positive(int)
    parser.add_argument("--rounds", type=whole, default=5, help="each peer once a round (5)")
    parser.add_argument("--number", type=whole, default=3000, help="tasks a run (3000)")
    parser.add_argument("--appendfsync", choices=("everysec", "always", "no"), default="everysec")
    names = [each.name for each in RIVALS]
    parser.add_argument("--peer", action="append", choices=names, help="this one alone; repeatable")


def measure(given: argparse.Namespace, console: Console) -> None:
    """Run all of them, interleaved, and show what came out."""
    rivals = [each for each in RIVALS if not given.peer or each.name in given.peer]
    runs: Runs = defaultdict(list)
    skipped: dict[str, str] = {}
    with (
        Progress(console=console) as progress,
        redis(append=given.appendfsync) as server,
    ):
        commands = _commands([OURS, SQLITE, *rivals], skipped, progress)
        total = given.rounds * len(MODES) * len(commands)
        bar = progress.add_task("rounds", total=total)
        for turn in range(given.rounds):
            for mode, how in MODES.items():
                # Who begins changes with the round, lest a place in it be an advantage.
                start = turn % len(commands)
                for rival, words in commands[start:] + commands[:start]:
                    progress.update(bar, description=f"{rival.name}, {how}")
                    if rival.name not in skipped:
                        server.empty()
                        whole = [*words, server.url(), str(given.number), mode]
                        _one(rival, whole, mode, runs, skipped)
                    progress.advance(bar)
    peers = "".join(f" --peer '{each}'" for each in given.peer or ())
    result = Result(
        name="queue",
        again=f"./run bench -- queue --rounds {given.rounds} --number {given.number} "
        f"--appendfsync {given.appendfsync}{peers}",
        settings={
            "rounds": given.rounds,
            "number": given.number,
            "appendfsync": given.appendfsync,
        },
        figures=figures(runs, [each.name for each in rivals if each.name not in skipped]),
        skipped=skipped,
        guarantees=[_guarantees(each) for each in (OURS, SQLITE, *rivals)],
    )
    file = result.write()
    console.print(table(result), promises(result), f"written to {file.relative_to(ROOT)}")
    for line in result.lines():
        print(line)  # noqa: T201 - for whoever reads it by a program


def figures(runs: Runs, rivals: list[str]) -> list[Figure]:
    """Make the figures of what was measured: ours, then each rival's with ours to it."""
    found = []
    for side, what in SIDES.items():
        for mode, how in MODES.items():
            ours = runs[OURS.name, mode, side]
            for name in (OURS.name, SQLITE.name, *rivals):
                theirs = runs[name, mode, side]
                if not theirs:
                    continue
                compared = ratio(ours, theirs) if name in rivals and ours else None
                found.append(
                    Figure(
                        name=f"{what}, {how}",
                        unit="/s",
                        value=Spread.of(theirs),
                        peer="" if name == OURS.name else name,
                        ratio=compared,
                        rounds=theirs,
                    )
                )
    return found


def _commands(
    rivals: list[Rival], skipped: dict[str, str], progress: Progress
) -> list[tuple[Rival, list[str]]]:
    found = []
    bar = progress.add_task("environments", total=len(rivals))
    for rival in rivals:
        try:
            found.append((rival, command(rival.script)))
        except Missing as why:
            skipped[rival.name] = str(why)
        progress.advance(bar)
    return found


def _one(rival: Rival, words: list[str], mode: str, runs: Runs, skipped: dict[str, str]) -> None:
    """Run a peer once; one that fails is out, with its last words, and the others go on."""
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    try:
        done = subprocess.run(
            [*words, *([rival.variant] if rival.variant else [])],
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=True,
        )
        found = json.loads(done.stdout.splitlines()[-1])
    except subprocess.CalledProcessError as error:
        said = (error.stderr.strip().splitlines() or ["nothing"])[-1]
        skipped[rival.name] = f"failed: {said[:200]}"
    except subprocess.TimeoutExpired:
        skipped[rival.name] = f"did not end within {PATIENCE} s"
    else:
        for side in SIDES:
            runs[rival.name, mode, side].append(found[side])


def _guarantees(rival: Rival) -> dict[str, str | bool]:
    whole: dict[str, str | bool] = msgspec.to_builtins(rival)
    return {name: value for name, value in whole.items() if name not in ("script", "variant")}
