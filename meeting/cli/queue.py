"""`meeting queue`: looking into the queues of background tasks, and what to do about the dead."""

import asyncio
import sys
from collections.abc import Sequence

import click
import msgspec
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from meeting.app.assembly.queue import QUEUES, opened
from meeting.app.config import Config
from meeting.cli.ask import ask, one_or_all
from meeting.cli.settings import settings
from meeting.cli.table import draw, moment, plain, table
from meeting.kernel.lane import Lane
from meeting.kernel.queue import Depth, Place, Queue, Seen

SHOWN = 120
"""Characters of an error in a list; `show` has all of it."""
THROWABLE = [place.value for place in Place if place is not Place.HELD]

a_queue = click.argument("name", type=click.Choice(QUEUES), metavar="QUEUE")


@click.group()
def queue() -> None:
    """Look into the queues of background tasks.

    A QUEUE is one of user_tasks, meeting_tasks, media_tasks, ai_tasks. Works beside a running
    server, with the same settings (--state-dir, or postgres.dsn and redis.url).
    """


@queue.command()
@settings
def stats(config: Config) -> None:
    """Count the tasks of every queue, by where they are."""
    Console().print(_overview(ask(opened(config), _depths)))


@queue.command()
@click.option("--seconds", type=click.FloatRange(0.2, 60), default=1.0, show_default=True)
@settings
def watch(config: Config, seconds: float) -> None:
    """Show the same table live, until Ctrl-C."""
    console = Console()
    if not console.is_terminal:
        raise click.UsageError("a live table needs a terminal; `meeting queue stats` does not")

    async def follow(found: Queue) -> None:
        with Live(console=console, auto_refresh=False) as live:
            while True:
                live.update(_overview(await _depths(found)), refresh=True)
                await asyncio.sleep(seconds)

    try:
        ask(opened(config), follow)
    except KeyboardInterrupt:
        sys.exit(0)


@queue.command("list")
@a_queue
@click.option("--place", type=click.Choice([p.value for p in Place]), default="dead")
@click.option("--skip", type=click.IntRange(0), default=0, help="Leave out so many first.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@settings
def show_list(config: Config, name: str, place: str, skip: int, limit: int) -> None:
    """List the tasks of QUEUE that are dead, or in another place: waiting, held, delayed."""

    async def look(found: Queue) -> Sequence[Seen]:
        return await found.list(name, Place(place), skip, limit)

    rows = ask(opened(config), look)
    made = table("ID", "TYPE", "LANE", "TRIES", "SINCE", "SAID")
    for row in rows:
        made.add_row(*_line(row))
    draw(made, skip, limit)


@queue.command()
@a_queue
@click.argument("task_id", metavar="ID")
@settings
def show(config: Config, name: str, task_id: str) -> None:
    """Print one task of QUEUE as JSON, with its errors; payloads may hold what people said."""

    async def look(found: Queue) -> Seen | None:
        return await found.find(name, task_id)

    seen = ask(opened(config), look)
    if seen is None:
        raise click.ClickException(f"no task {task_id} in {name}; it may be done already")
    click.echo(f"{seen.place} {_where(seen)}".rstrip(), err=True)
    try:
        body = msgspec.json.format(seen.body, indent=2)
    except msgspec.MsgspecError:
        body = seen.body
    for line in body.decode(errors="replace").split("\n"):
        click.echo(plain(line))


@queue.command()
@a_queue
@click.argument("task_id", metavar="[ID]", default="")
@click.option("--all", "everything", is_flag=True, help="All dead letters of the queue.")
@settings
def requeue(config: Config, name: str, task_id: str, everything: bool) -> None:
    """Give a dead task of QUEUE new attempts, or every one of them (--all)."""
    one_or_all(task_id, everything)

    async def again(found: Queue) -> int:
        return await found.requeue(name, task_id)

    done = ask(opened(config), again)
    if task_id and not done:
        raise click.ClickException(f"no dead task {task_id} in {name} that can be read")
    click.echo(f"{done} tasks have new attempts.")


@queue.command()
@a_queue
@click.option("--place", type=click.Choice(THROWABLE), default="dead", show_default=True)
@click.confirmation_option(prompt="They can't be had back. Throw them away?")
@settings
def purge(config: Config, name: str, place: str) -> None:
    """Throw away the dead tasks of QUEUE, or those in another place."""

    async def gone(found: Queue) -> int:
        return await found.purge(name, Place(place))

    click.echo(f"{ask(opened(config), gone)} tasks are gone.")


async def _depths(found: Queue) -> dict[str, Depth]:
    return {name: await found.depth(name) for name in QUEUES}


def _overview(depths: dict[str, Depth]) -> Table:
    lanes = [lane.name for lane in sorted(Lane, reverse=True)]
    made = table("QUEUE", *lanes, "HELD", "DELAYED", "DEAD", "OLDEST", right=True)
    for name, depth in depths.items():
        waiting = [str(depth.waiting.get(lane, 0)) for lane in sorted(Lane, reverse=True)]
        dead = Text(str(depth.dead), "red" if depth.dead else "")
        oldest = f"{depth.oldest:.0f} s" if depth.oldest else "-"
        made.add_row(name, *waiting, str(depth.held), str(depth.delayed), dead, oldest)
    return made


class _Told(msgspec.Struct, frozen=True):
    """What a list shows of a letter, also of one that can't be read."""

    type: str = "?"
    retry_count: int = 0
    error: str = ""
    payload: dict[str, object] = {}


def _line(seen: Seen) -> tuple[Text, ...]:
    try:
        told = msgspec.json.decode(seen.body, type=_Told, strict=False)
    except msgspec.MsgspecError:
        told = _Told(error="can't be read")
    said = told.error or str(told.payload.get("error", "")) or _where(seen)
    lane = "" if seen.lane is None else seen.lane.name.lower()
    since = moment(seen.until) if seen.until else ""
    words = (seen.id or "-", told.type, lane, str(told.retry_count), since, said[:SHOWN])
    # Whatever stands in a letter comes from outside: nothing of it may steer the terminal.
    return tuple(Text(plain(word)) for word in words)


def _where(seen: Seen) -> str:
    if seen.place is Place.HELD:
        return f"by {seen.owner}, {seen.progress:.0%} done"
    return ""
