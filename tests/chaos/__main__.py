"""`./run chaos`: the command line of the ledger."""

import asyncio
import os
import random
import signal
import sys
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.chaos.layout import embedded, folder
from tests.chaos.ledger import Outcome, Run
from tests.chaos.orders import Orders
from tests.chaos.plan import EMBEDDED, SERVERS, SPLIT
from tests.chaos.servers import servers
from tests.chaos.split.layout import split
from tests.chaos.witness import Verdict

LAYOUTS = {"servers": servers, "embedded": embedded, "split": split}
AMOUNTS = {"servers": (100_000, 20_000), "embedded": (20_000, 20_000), "split": (2_000, 0)}
"""Tasks and events."""
SABOTAGES = {
    "servers": SERVERS.aims,
    "embedded": EMBEDDED.aims,
    "split": SPLIT.aims,
}
NAMES = sorted({name for aims in SABOTAGES.values() for name in aims})
SHOWN = 20
HELP = {
    "layout": "PostgreSQL and Redis from their wheels, or one SQLite file; or the house itself, a "
    "process a part, on such servers.",
    "seed": "Plans accidents and delays, though not what the system makes of them; else a new one.",
    "kills": "SIGKILLs; stops and cut connections come on top.",
    "tasks": "Tasks to ask for, or visits to the split house; 100000, embedded 20000, split 2000.",
    "events": "Events to tell; 20000, split none: there the house tells its own.",
    "sabotage": "Break one part, and stop at the first red: `fence` ends a task without asking "
    "whether it is still held, `early` acknowledges before the work, `mark` moves the relay's "
    "(embedded: the subscriber's) place before the work; split: `early`, or `key` does not look at "
    "the Idempotency-Key.",
    "keep": "An empty folder for journal, strikes and logs; else they are thrown away.",
}


@click.command()
@click.option("--layout", type=click.Choice(list(LAYOUTS)), default="servers", help=HELP["layout"])
@click.option("--seed", type=int, help=HELP["seed"])
@click.option("--kills", type=click.IntRange(0, 10_000), default=100, help=HELP["kills"])
@click.option("--tasks", type=click.IntRange(1, 10_000_000), help=HELP["tasks"])
@click.option("--events", type=click.IntRange(0, 10_000_000), help=HELP["events"])
@click.option("--sabotage", type=click.Choice(NAMES), help=HELP["sabotage"])
@click.option("--keep", type=click.Path(path_type=Path, file_okay=False), help=HELP["keep"])
def main(
    layout: str,
    seed: int | None,
    kills: int,
    tasks: int | None,
    events: int | None,
    sabotage: str | None,
    keep: Path | None,
) -> None:
    """Kill everything again and again, and see that nothing is lost and nothing doubled.

    A producer asks for tasks and events and writes into a journal what was acknowledged. For each,
    a worker or a subscriber leaves a row behind, without a key, in the commit that ends it.
    Meanwhile workers, subscribers, relays, Redis and PostgreSQL are killed, held still for longer
    than their leases last, or cut off; workers while they hold a task. In the end the journal is
    compared with the rows.

    In the layout `split` it is the house that is struck, each part and the gateway, while users
    register, log in, are told something, and make, start and end meetings; in the end there must be
    of each acknowledged step what it promises, once: rows, mails, reports. The last line is JSON:

    \b
    lost        acknowledged, without effect, and not among the dead that one can see
    doubled     with more than one effect
    unanswered  asked for without an answer: may have happened, once at most
    dead        dead letters and parked events; a few are meant to end so
    hits        kills and stops that met a held lease: workers and readers their own, others
                anybody's
    falls       processes that ended by themselves, which none should

    \b
    ./run chaos                        about a quarter of an hour on 2 cores
    ./run chaos --layout embedded
    ./run chaos --layout split
    ./run chaos --seed 7 --kills 10 --tasks 2000 --events 500
    ./run chaos --sabotage fence --kills 10 --tasks 1000 --events 200

    Exit codes: 0 all is well, 1 something was lost or doubled or fell, 2 a wrong option, 3 too
    little was hit (less than four in five) for the run to show anything.
    """
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # cleans up as after Ctrl-C
    console = Console(stderr=True)
    if sabotage and sabotage not in SABOTAGES[layout]:
        allowed = " | ".join(SABOTAGES[layout])
        raise click.BadParameter(f"{layout} knows {allowed}", param_hint="--sabotage")
    if events and not AMOUNTS[layout][1]:
        raise click.BadParameter(f"{layout} tells events of its own", param_hint="--events")
    seed = random.SystemRandom().randrange(1_000_000) if seed is None else seed
    with folder(_empty(keep)) as place, LAYOUTS[layout](place) as made:
        orders = Orders(
            seed=seed,
            tasks=tasks or AMOUNTS[layout][0],
            events=AMOUNTS[layout][1] if events is None else events,
            folder=str(place),
            database=made.database,
            redis=made.redis,
            sabotage=sabotage or "",
        )
        columns = (TextColumn("{task.description:36}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
            bar = progress.add_task("", total=made.effects(orders))

            def shown(count: int, what: str) -> None:
                progress.update(bar, completed=count, description=what)

            run = Run(orders, made, kills, shown)
            outcome, verdict, falls = asyncio.run(run.go())
    _tell(console, outcome, verdict, falls)
    sys.stdout.write(msgspec.json.encode(outcome).decode() + "\n")
    sys.exit(outcome.code)


def _empty(keep: Path | None) -> Path | None:
    """Find the folder from where the person stands; refuse one that holds something."""
    if keep is None:
        return None
    keep = Path(os.environ.get("CALLED_FROM", ".")) / keep
    if keep.exists() and any(keep.iterdir()):
        raise click.BadParameter(f"{keep} is not empty; name another folder", param_hint="--keep")
    return keep


def _tell(console: Console, outcome: Outcome, verdict: Verdict, falls: list[str]) -> None:
    """Name the first of what is wrong."""
    for each in falls:
        console.print(each)
    things = {"lost": verdict.lost, "doubled": verdict.doubled, "never asked for": verdict.invented}
    for what, found in things.items():
        if found:
            names = " ".join(f"{kind}:{number}" for kind, number in found[:SHOWN])
            more = " …" if len(found) > SHOWN else ""
            console.print(f"{what}: {names}{more}")
    if outcome.code == 3:
        console.print("too little was hit for this run to show anything")


if __name__ == "__main__":
    main()
