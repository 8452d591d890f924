"""Tables of what comes from outside, printed so that none of it steers the terminal."""

import sys
from datetime import UTC, datetime

import click
from rich.console import Console
from rich.table import Table


def table(*columns: str, right: bool = False) -> Table:
    """Make an empty table; `right`: the columns behind the first hold numbers."""
    made = Table(box=None, pad_edge=False)
    for index, column in enumerate(columns):
        made.add_column(column, justify="right" if right and index else "left")
    return made


def draw(page: Table, skip: int, limit: int) -> None:
    """Print a page of rows, into a file or a pipe without breaking its lines; say how to go on."""
    Console(width=None if sys.stdout.isatty() else 1000).print(page)
    if page.row_count == limit:
        click.echo(f"there may be more: --skip {skip + limit}")


def plain(text: str) -> str:
    """Return a text with a sign in place of each character that a terminal would obey."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


def moment(seconds: float) -> str:
    """Return a moment of Unix time as a person reads it, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M:%S")
