"""`meeting users`: accounts, from the command line of the machine that keeps them."""

import asyncio

import click

from meeting.app.assembly.user import promote as raise_role
from meeting.app.config import Config
from meeting.cli.settings import settings


@click.group()
def users() -> None:
    """Look after accounts."""


@users.command()
@click.argument("name")
@settings
def promote(config: Config, name: str) -> None:
    """Make the user NAME an admin.

    Works beside a running server, on the same state folder; it takes effect with the user's
    next request.
    """
    asyncio.run(raise_role(config, name))
    click.echo(f"{name} is an admin now.")
