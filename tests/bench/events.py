"""Milliseconds of an event, from COMMIT to the handler's COMMIT, at a rate that does not wait."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from tests.bench.bounds import positive
from tests.bench.course import LARGEST
from tests.bench.environment import ROOT
from tests.bench.latency import NOTES, figures, label, remarks, table
from tests.bench.result import Result, promises
from tests.bench.ways import WAYS, Way
from tests.postgres import Postgres, postgres
from tests.redis import Redis, redis

RATES = (1000.0, 100.0)
PATIENCE = 30.0
"""Seconds that a course may take beside ten times its length, before it is given up."""

Rounds = dict[tuple[str, float], dict[str, list[float]]]
"""Per way and rate: of each side a value a round, as they come."""


def options(parser: argparse.ArgumentParser) -> None:
    """Say what can be set."""
    parser.add_argument("--rounds", type=positive(int), default=5, help="each way once a round (5)")
    parser.add_argument("--seconds", type=positive(float), default=5, help="of one course (5)")
    text = "events a second; repeatable (1000, then 100)"
    parser.add_argument("--rate", type=positive(float), action="append", help=text)
    parser.add_argument("--appendfsync", choices=("everysec", "always", "no"), default="everysec")


def measure(given: argparse.Namespace, console: Console) -> None:
    """Run every way at every rate, interleaved, and show what came out."""
    rates: Sequence[float] = given.rate or RATES
    runs: Rounds = defaultdict(lambda: defaultdict(list))
    skipped: dict[str, str] = {}
    with (
        Progress(console=console) as progress,
        redis(append=given.appendfsync) as memory,
        postgres() as server,
    ):
        bar = progress.add_task("rounds", total=given.rounds * len(rates) * len(WAYS))
        for turn in range(given.rounds):
            for rate in rates:
                # Who begins changes with the round, lest a place in it be an advantage.
                start = turn % len(WAYS)
                for way in WAYS[start:] + WAYS[:start]:
                    progress.update(bar, description=f"{way.name}, {rate:g} a second")
                    if label(way.name, rate) not in skipped:
                        _one(way, rate, given.seconds, (server, memory), runs, skipped)
                    progress.advance(bar)
    asked = "".join(f" --rate {rate:g}" for rate in rates)
    result = Result(
        name="events",
        again=f"./run bench -- events --rounds {given.rounds} --seconds {given.seconds:g}{asked} "
        f"--appendfsync {given.appendfsync}",
        settings={
            "rounds": given.rounds,
            "seconds": given.seconds,
            "rates": ", ".join(f"{rate:g}" for rate in rates),
            "appendfsync": given.appendfsync,
            "events_a_commit_at_most": LARGEST,
            "measured": NOTES,
        },
        figures=figures(runs, rates),
        skipped=skipped,
        guarantees=[_guarantees(each) for each in WAYS],
    )
    file = result.write()
    console.print(table(result, rates), promises(result), NOTES, *remarks(runs, result), sep="\n")
    console.print(f"written to {file.relative_to(ROOT)}")
    for line in result.lines():
        print(line)  # noqa: T201 - for whoever reads it by a program


def _one(
    way: Way,
    rate: float,
    seconds: float,
    servers: tuple[Postgres, Redis],
    runs: Rounds,
    skipped: dict[str, str],
) -> None:
    """Run a way once in a process of its own, on empty stores."""
    server, memory = servers
    memory.empty()
    patience = PATIENCE + 10 * seconds
    with tempfile.TemporaryDirectory() as folder:
        databases: dict[str, Callable[[], str]] = {
            "": lambda: "",
            "sqlite": lambda: f"sqlite+aiosqlite:///{Path(folder)}/bench.db",
            "postgresql": server.database,
        }
        given = {
            "database": databases[way.database](),
            "redis": memory.url(),
            "number": max(1, int(rate * seconds)),
            "rate": rate,
            "patience": patience,
        }
        words = [sys.executable, "-m", "tests.bench.passage", way.name]
        try:
            done = subprocess.run(
                words + [f"--{name}={value}" for name, value in given.items()],
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                capture_output=True,
                text=True,
                timeout=patience + PATIENCE,
                check=True,
            )
        except subprocess.CalledProcessError as error:
            said = (error.stderr.strip().splitlines() or ["nothing"])[-1]
            skipped[label(way.name, rate)] = f"failed: {said[:200]}"
        except subprocess.TimeoutExpired:
            skipped[label(way.name, rate)] = "did not end"
        else:
            for side, value in json.loads(done.stdout.splitlines()[-1]).items():
                runs[way.name, rate][side].append(value)


def _guarantees(way: Way) -> dict[str, str | bool]:
    return {
        "name": way.name,
        "with the rows": way.with_rows,
        "has its effect once": way.once,
        "reader killed": way.killed,
        "handler keeps failing": way.poisoned,
        "source": way.source,
    }
