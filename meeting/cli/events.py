"""`meeting events`: what consumers could not handle and laid aside, and what to do about it."""

from collections.abc import Sequence

import click
import msgspec
from rich.text import Text

from meeting.app.assembly.parked import opened
from meeting.app.config import Config
from meeting.cli.ask import ask, one_or_all
from meeting.cli.settings import settings
from meeting.cli.table import draw, moment, plain, table
from meeting.kernel.parked import Aside, Parked

SHOWN = 120
"""Characters of an error in a list; `show` has all of it."""

a_consumer = click.argument("consumer", metavar="CONSUMER")
an_id = click.argument("message_id", metavar="[ID]", default="")
everything = click.option("--all", "whole", is_flag=True, help="All that CONSUMER has.")


@click.group()
def events() -> None:
    """Look after events that could not be handled.

    An event whose handler keeps failing is parked, so that those behind it go on; a CONSUMER is the
    domain that could not handle it, or `listener` for what strangers publish and nobody can read.
    Works beside a running server, with the same settings (--state-dir, or postgres.dsn).
    """


@events.command()
@click.option("--consumer", default="", help="Only what this one has.")
@click.option("--skip", type=click.IntRange(0), default=0, help="Leave out so many first.")
@click.option("--limit", type=click.IntRange(1, 1000), default=50, show_default=True)
@settings
def parked(config: Config, consumer: str, skip: int, limit: int) -> None:
    """List the events that are parked, the longest ago first."""

    async def look(aside: Aside) -> Sequence[Parked]:
        return await aside.list(consumer, skip, limit)

    rows = ask(opened(config), look)
    made = table("CONSUMER", "TOPIC", "TYPE", "ID", "SINCE", "TRIES", "SAID")
    for row in rows:
        made.add_row(*_line(row))
    draw(made, skip, limit)


@events.command()
@a_consumer
@click.argument("message_id", metavar="ID")
@settings
def show(config: Config, consumer: str, message_id: str) -> None:
    """Print one event as JSON, with its error; payloads may hold what people said."""

    async def look(aside: Aside) -> Parked | None:
        return await aside.find(consumer, message_id)

    found = ask(opened(config), look)
    if found is None:
        raise click.ClickException(f"{consumer} has no parked event {message_id}")
    body = msgspec.json.format(msgspec.json.encode(found), indent=2)
    for line in body.decode().split("\n"):
        click.echo(plain(line))


@events.command()
@a_consumer
@an_id
@everything
@settings
def requeue(config: Config, consumer: str, message_id: str, whole: bool) -> None:
    """Have CONSUMER handle one parked event once more, or all that it has (--all).

    Nobody else sees it again. It comes after what was handled since, so out of its order; where it
    fails again it stays parked. A running server begins within some seconds. What is new on the
    topic waits until all of them are through, one commit each.
    """
    one_or_all(message_id, whole)

    async def again(aside: Aside) -> int:
        return await aside.requeue(consumer, message_id)

    done = ask(opened(config), again)
    if message_id and not done:
        raise click.ClickException(
            f"{consumer} has no parked event {message_id} that could be handled"
        )
    click.echo(f"{done} events are to be handled again.")


@events.command()
@a_consumer
@an_id
@everything
@click.confirmation_option(prompt="They can't be had back. Throw them away?")
@settings
def purge(config: Config, consumer: str, message_id: str, whole: bool) -> None:
    """Throw away one parked event of CONSUMER, or all that it has (--all)."""
    one_or_all(message_id, whole)

    async def gone(aside: Aside) -> int:
        return await aside.purge(consumer, message_id)

    done = ask(opened(config), gone)
    if message_id and not done:
        raise click.ClickException(f"{consumer} has no parked event {message_id}")
    click.echo(f"{done} events are gone.")


def _line(found: Parked) -> tuple[Text, ...]:
    message = found.message
    said = found.error.split("\n", 1)[0][:SHOWN]
    if found.again:
        said = f"(to be handled again) {said}"
    since = moment(found.parked_at.timestamp())
    words = (found.consumer, message.topic, message.type or "?", message.message_id, since)
    return tuple(Text(plain(word)) for word in (*words, str(found.attempts), said))
