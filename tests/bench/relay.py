"""Frames a second through a relay, and how long one takes: ours beside bare ones."""

import argparse
import asyncio
import json
import os
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import msgspec
import psutil
from rich.console import Console
from rich.progress import Progress

from tests.bench.bounds import positive
from tests.bench.crowd import FRAME, HALL, ROOM, Crowd, halls, pairs
from tests.bench.delivery import NOTES, SHEET, course, remarks
from tests.bench.environment import ROOT, Missing, command
from tests.bench.hosts import SETTINGS, Host, hosting, pinned
from tests.bench.result import Result, promises
from tests.bench.switches import SWITCHES, Switch

CONNECTIONS = (2, 100, 500)
CROWDS = {"relay": pairs, "fan-out": halls}
WARM = 1.0
"""Seconds under load before it counts."""
PATIENCE = 120.0
"""Seconds that a course may take beside its length, with everybody's way in and out."""
CALM, QUIET, CALM_SECONDS = 0.25, 0.1, 30.0
"""A relay that used less than this share of a core for so long is done with the course before."""

Rounds = dict[tuple[str, str], dict[str, list[float]]]
"""Per relay and course: of each side a value a round, as they come."""


def options(parser: argparse.ArgumentParser) -> None:
    """Say what can be set."""
    whole = positive(int)
    names = [each.name for each in SWITCHES]
    parser.add_argument("--rounds", type=whole, default=5, help="each relay once a round (5)")
    parser.add_argument("--seconds", type=positive(float), default=3, help="of one course (3)")
    text = "at a time; repeatable (2, 100, 500)"
    parser.add_argument("--connections", type=positive(int, 1000), action="append", help=text)
    text = "frames in flight, and one of each sender at least, for the rate (8)"
    parser.add_argument("--flight", type=positive(int, 1000), default=8, help=text)
    text = "deliveries a second, for the times (5000)"
    parser.add_argument("--rate", type=positive(float), default=5000, help=text)
    parser.add_argument("--peer", action="append", choices=names, help="this one alone; repeatable")


def measure(given: argparse.Namespace, console: Console) -> None:
    """Run all of them, interleaved, and show what came out."""
    connections: Sequence[int] = given.connections or CONNECTIONS
    switches = [each for each in SWITCHES if not given.peer or each.name in given.peer]
    runs: Rounds = defaultdict(lambda: defaultdict(list))
    skipped: dict[str, str] = {}
    with Progress(console=console) as progress:
        asyncio.run(_rounds(given, connections, switches, runs, skipped, progress))
    asked = "".join(f" --connections {each}" for each in connections)
    asked += "".join(f" --peer '{each}'" for each in given.peer or ())
    result = Result(
        name="relay",
        again=f"./run bench -- relay --rounds {given.rounds} --seconds {given.seconds:g} "
        f"--flight {given.flight} --rate {given.rate:g}{asked}",
        settings={
            "rounds": given.rounds,
            "seconds": given.seconds,
            "connections": ", ".join(map(str, connections)),
            "flight": given.flight,
            "rate": given.rate,
            "frame_bytes": FRAME,
            "peers_of_a_room": ROOM,
            "readers_of_a_sender": HALL,
            "ours": ", ".join(f"{key}={value}" for key, value in SETTINGS.items()),
            "measured": NOTES,
        },
        figures=SHEET.figures(runs),
        skipped=skipped,
        guarantees=[_guarantees(each) for each in switches],
    )
    file = result.write()
    table = SHEET.table(result, result.figures)
    console.print(table, promises(result), NOTES, *remarks(runs, result), sep="\n")
    console.print(f"written to {file.relative_to(ROOT)}")
    for line in result.lines():
        print(line)  # noqa: T201 - for whoever reads it by a program


async def _rounds(
    given: argparse.Namespace,
    connections: Sequence[int],
    switches: Sequence[Switch],
    runs: Rounds,
    skipped: dict[str, str],
    progress: Progress,
) -> None:
    """Start all relays anew each round, and load one after the other while the others rest."""
    commands = _commands(switches, skipped, progress)
    try:
        load = command("load", "picows")
    except Missing as why:
        raise SystemExit(f"no load: {why}") from why
    courses = [
        (how, number) for number in connections for how in CROWDS if how == "relay" or number > HALL
    ]
    bar = progress.add_task("rounds", total=given.rounds * len(courses) * len(commands))
    for turn in range(given.rounds):
        async with AsyncExitStack() as open_:
            hosts = {}
            for switch in commands:
                folder = Path(open_.enter_context(tempfile.TemporaryDirectory()))
                relay = hosting(switch, commands[switch], folder)
                try:
                    hosts[switch] = await open_.enter_async_context(relay)
                except Missing as why:
                    skipped[switch.name] = str(why)
            # Who begins changes with the round, lest a place in it be an advantage.
            start = turn % max(1, len(hosts))
            order = list(hosts)[start:] + list(hosts)[:start]
            for how, number in courses:
                crowd = CROWDS[how](number, turn)
                for switch in order:
                    progress.update(bar, description=f"{switch.name}, {course(how, number)}")
                    try:
                        found = await _one(hosts[switch], crowd, given, load)
                    except Failed as why:
                        skipped[f"{switch.name}, {course(how, number)}"] = str(why)
                    else:
                        for side in SHEET.sides:
                            runs[switch.name, course(how, number)][side].append(found[side])
                    progress.advance(bar)


class Failed(Exception):
    """A course has no figure; the text says why."""


async def _one(
    host: Host, crowd: Crowd, given: argparse.Namespace, load: Sequence[str]
) -> Mapping[str, float]:
    """Load a relay once, from the second core."""
    ways = await host.invite(crowd)
    plan = {
        "places": msgspec.to_builtins(ways),
        "talks": [
            {
                "sender": said.sender,
                "readers": list(said.readers),
                "frame": host.frame(crowd, said),
            }
            for said in crowd.talks
        ],
        "process": host.process,
        "window": -(-given.flight // len(crowd.talks)),
        "warm": WARM,
        "seconds": given.seconds,
        "rate": given.rate,
    }
    await _calm(host)
    with pinned(1):
        process = await asyncio.create_subprocess_exec(
            *load,
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    try:
        async with asyncio.timeout(PATIENCE + 2 * given.seconds):
            out, error = await process.communicate(json.dumps(plan).encode())
    except TimeoutError:
        process.kill()
        await process.wait()
        raise Failed("did not end") from None
    await _calm(host)
    if process.returncode:
        said = (error.decode().strip().splitlines() or ["nothing"])[-1]
        raise Failed(f"failed: {said[:200]}")
    found: Mapping[str, float] = json.loads(out)
    return found


async def _calm(host: Host) -> None:
    """Wait until a relay rests, so that its rest falls into nobody else's course."""
    process = psutil.Process(host.process)

    def used() -> float:
        times = process.cpu_times()
        return times.user + times.system

    with_patience = asyncio.get_running_loop().time() + CALM_SECONDS
    before = used()
    while True:
        await asyncio.sleep(CALM)
        after = used()
        if after - before < QUIET * CALM:
            return
        if asyncio.get_running_loop().time() > with_patience:
            raise Failed(f"did not come to rest within {CALM_SECONDS:g} s")
        before = after


def _commands(
    switches: Sequence[Switch], skipped: dict[str, str], progress: Progress
) -> dict[Switch, list[str]]:
    found = {}
    bar = progress.add_task("environments", total=len(switches))
    for switch in switches:
        try:
            found[switch] = command(switch.script) if switch.script else []
        except Missing as why:
            skipped[switch.name] = str(why)
        progress.advance(bar)
    return found


def _guarantees(switch: Switch) -> dict[str, str | bool]:
    whole: dict[str, str | bool] = msgspec.to_builtins(switch)
    return {name: value for name, value in whole.items() if name not in ("script", "variant")}
