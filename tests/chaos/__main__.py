"""`./run chaos`: the command line of the ledger."""

import asyncio
import random
import sys
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tests.chaos import sabotage as twins
from tests.chaos.layout import embedded, folder
from tests.chaos.ledger import Run
from tests.chaos.orders import Orders
from tests.chaos.servers import servers

LAYOUTS = {"servers": servers, "embedded": embedded}


@click.command()
@click.option("--layout", type=click.Choice(list(LAYOUTS)), default="servers", show_default=True)
@click.option("--seed", type=int, help="Plans kills and delays; by default a new one.")
@click.option("--kills", type=click.IntRange(0, 10_000), default=100, show_default=True)
@click.option("--tasks", type=click.IntRange(1, 10_000_000))
@click.option("--events", type=click.IntRange(0, 10_000_000), default=20_000, show_default=True)
@click.option("--sabotage", type=click.Choice(twins.NAMES), help="Break one part.")
@click.option("--keep", type=click.Path(path_type=Path), help="Keep journal, logs, stores here.")
def main(
    layout: str,
    seed: int | None,
    kills: int,
    tasks: int | None,
    events: int,
    sabotage: str | None,
    keep: Path | None,
) -> None:
    """Kill everything again and again, and show that nothing is lost or doubled."""
    console = Console(stderr=True)
    if seed is None:
        seed = random.SystemRandom().randrange(1_000_000)
    with folder(keep) as place, LAYOUTS[layout](place) as made:
        orders = Orders(
            seed=seed,
            tasks=tasks or 20_000,
            events=events,
            folder=str(place),
            database=made.database,
            redis=made.redis,
            sabotage=sabotage or "",
        )
        columns = (TextColumn("{task.description:36}"), BarColumn(), MofNCompleteColumn())
        with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
            bar = progress.add_task("", total=orders.tasks + events)

            def shown(count: int, what: str) -> None:
                progress.update(bar, completed=count, description=what)

            outcome, verdict, falls = asyncio.run(Run(orders, made, kills, shown).go())
    for each in falls:
        console.print(each)
    for what in ("lost", "doubled", "invented"):
        if found := getattr(verdict, what):
            console.print(f"{what}: {found[:20]}")
    sys.stdout.write(msgspec.json.encode(outcome).decode() + "\n")
    sys.exit(outcome.code)


if __name__ == "__main__":
    main()
