"""`meeting migrate`: the tables of the database, brought up to what this version expects."""

import asyncio

import click

from meeting.app.assembly.stores import bring
from meeting.app.config import Config
from meeting.cli.settings import settings


@click.command()
@settings
def migrate(config: Config) -> None:
    """Bring the database's tables up to date.

    With postgres.dsn this is yours to type, before the first start and after each update of this
    program: a server does not start on tables that are not up to date. The SQLite file of a state
    folder is brought up to date by the server itself.
    """
    done = asyncio.run(bring(config))
    click.echo("The tables are up to date now." if done else "The tables were up to date.")
