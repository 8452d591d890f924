"""Calls from domain to domain: direct, by our gRPC, and the same answer by grpc.aio."""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import msgspec
import uvloop
from rich.console import Console
from rich.progress import Progress

from tests.bench.asked import Asked, Failed, answering, house
from tests.bench.bounds import positive
from tests.bench.domains import GUESTS, Scene, prepared
from tests.bench.environment import ROOT
from tests.bench.hosts import pinned
from tests.bench.result import Result, promises
from tests.bench.roads import ACCESS, JOIN, NOTES, ROADS, WORK, WORKS, Road, course, remarks
from tests.bench.sheet import Runs
from tests.postgres import Postgres, postgres
from tests.redis import Redis, redis

STREAMS = (1, 32)
PATIENCE = 60.0
"""Seconds that a run may take beside its length."""

Rounds = dict[tuple[str, str], dict[str, list[float]]]
"""Per road and course: of each side a value a round, as they come."""


def options(parser: argparse.ArgumentParser) -> None:
    """Say what can be set."""
    whole = positive(int)
    parser.add_argument("--rounds", type=whole, default=5, help="each road once a round (5)")
    parser.add_argument("--seconds", type=positive(float), default=3, help="of one run (3)")
    parser.add_argument("--joins", type=positive(int, 10_000), default=400, help="of one run (400)")
    text = "calls at a time; repeatable (1, 32)"
    parser.add_argument("--streams", type=positive(int, 100), action="append", help=text)


def measure(given: argparse.Namespace, console: Console) -> None:
    """Run all of them, interleaved, and show what came out."""
    streams: Sequence[int] = given.streams or STREAMS
    runs: Rounds = defaultdict(lambda: defaultdict(list))
    skipped: dict[str, str] = {}
    asked = "".join(f" --streams {each}" for each in streams)
    with (
        Progress(console=console) as progress,
        redis(append="everysec") as memory,
        postgres() as server,
    ):
        courses = [("access", work, number) for work in WORKS for number in streams]
        courses += [("join", work, 1) for work in WORKS]
        total = sum(each.what == what for what, _, _ in courses for each in ROADS)
        bar = progress.add_task("rounds", total=given.rounds * total)
        for turn in range(given.rounds):
            for what, work, number in courses:
                roads = [each for each in ROADS if each.what == what]
                # Who begins changes with the round, lest a place in it be an advantage.
                start = turn % len(roads)
                for road in roads[start:] + roads[:start]:
                    where = course(what, work, number)
                    progress.update(bar, description=f"{road.name}, {where}")
                    try:
                        found = _one(road, work, number, given, (server, memory))
                    except Failed as why:
                        skipped[f"{road.name}, {where}"] = str(why)
                    else:
                        for side, value in found.items():
                            runs[road.name, where][side].append(value)
                    progress.advance(bar)
    sheets = {"access": ACCESS, "join": JOIN}
    blocks = {what: sheet.figures(_of(what, runs)) for what, sheet in sheets.items()}
    result = Result(
        name="calls",
        again=f"./run bench -- calls --rounds {given.rounds} --seconds {given.seconds:g} "
        f"--joins {given.joins}{asked}",
        settings={
            "rounds": given.rounds,
            "seconds": given.seconds,
            "joins": given.joins,
            "streams": ", ".join(map(str, streams)),
            "measured": NOTES,
        },
        figures=[each for block in blocks.values() for each in block],
        skipped=skipped,
        guarantees=[_guarantees(each) for each in ROADS],
    )
    file = result.write()
    tables = [sheet.table(result, blocks[what]) for what, sheet in sheets.items()]
    console.print(*tables, promises(result), NOTES, *remarks(runs, result), sep="\n")
    console.print(f"written to {file.relative_to(ROOT)}")
    for line in result.lines():
        print(line)  # noqa: T201 - for whoever reads it by a program


def _of(what: str, runs: Rounds) -> Runs:
    names = {each.name for each in ROADS if each.what == what}
    return {key: sides for key, sides in runs.items() if key[0] in names}


def _one(
    road: Road,
    work: str,
    streams: int,
    given: argparse.Namespace,
    servers: tuple[Postgres, Redis],
) -> dict[str, float]:
    """Go a road once, with an empty database for its work."""
    server, memory = servers
    with ExitStack() as open_:
        folder = Path(open_.enter_context(tempfile.TemporaryDirectory()))
        database, scene = "", Scene()
        if work == WORK:
            # Each join is the first of its user in a meeting, warm ones, too.
            meetings = -(-2 * given.joins // GUESTS) if road.what == "join" else 1
            file = f"sqlite+aiosqlite:///{folder}/bench.db"
            database = server.database() if road.what == "join" else file
            scene = uvloop.run(prepared(database, meetings))
        asked: list[Asked] = []
        for part in road.parts:
            before = asked[-1].port if asked else 0
            if work == WORK and road.what == "join":
                memory.empty()
                settings = {"postgres.dsn": database, "redis.url": memory.url()}
                asked.append(open_.enter_context(house(part, folder, before, settings)))
            else:
                words = [f"--database={database}", f"--user={before}"]
                asked.append(open_.enter_context(answering(road.way, part, words)))
        words = [f"--process={each.process}" for each in asked]
        words.append(f"--port={asked[-1].port}" if asked else f"--database={database}")
        words += [f"--scene={msgspec.json.encode(scene).decode()}", f"--streams={streams}"]
        words += [f"--seconds={given.seconds}", f"--number={given.joins}"]
        return _asking(road, words, PATIENCE + 3 * given.seconds)


def _asking(road: Road, words: Sequence[str], patience: float) -> dict[str, float]:
    """Run who asks, on the second core."""
    program = [sys.executable, "-m", "tests.bench.asking", road.what, road.way]
    try:
        with pinned(1):
            done = subprocess.run(
                [*program, *words],
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": str(ROOT)},
                capture_output=True,
                text=True,
                timeout=patience,
                check=True,
            )
    except subprocess.CalledProcessError as error:
        said = (error.stderr.strip().splitlines() or ["nothing"])[-1]
        raise Failed(f"failed: {said[:200]}") from error
    except subprocess.TimeoutExpired:
        raise Failed("did not end") from None
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _guarantees(road: Road) -> dict[str, str | bool]:
    whole: dict[str, str | bool] = msgspec.to_builtins(road)
    return {name: value for name, value in whole.items() if name not in ("what", "way", "parts")}
