"""`meeting doctor`: a look at everything that a server needs."""

import asyncio
import sys

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from meeting.app.config import Config
from meeting.app.doctor import State, examine
from meeting.cli.settings import settings

COLOURS = {State.GOOD: "green", State.NOTE: "yellow", State.BAD: "red"}


@click.command()
@settings
def doctor(config: Config) -> None:
    """See what is there, what is missing, and what to do about it.

    Looks with the same settings as the server, beside it or before it; changes nothing. The exit
    code is 1 if anything is bad.
    """
    found = asyncio.run(examine(config))
    table = Table(box=None, pad_edge=False)
    for column in ("PART", "STATE", "FOUND", "WHAT TO DO"):
        table.add_column(column)
    for one in found:
        state = Text(one.state, COLOURS[one.state])
        table.add_row(Text(one.part), state, Text(one.said), Text(one.advice))
    Console(width=None if sys.stdout.isatty() else 1000).print(table)
    if any(one.state is State.BAD for one in found):
        sys.exit(1)
