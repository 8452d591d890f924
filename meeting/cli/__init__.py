"""The command line: one file a command group, each imported only when it is asked for."""

import importlib
import sys

import click

from meeting import __version__
from meeting.app.config import Wrong
from meeting.app.state import Held
from meeting.kernel.errors import Fault

COMMANDS = {
    "serve": "Run the meeting server.",
    "demo": "Watch one real meeting happen, with speech recognised.",
    "models": "Get, list and verify the models.",
    "engine": "Run the inference engine alone, without Python around it.",
    "worker": "Do background tasks, beside a server.",
    "queue": "Look into the queues of background tasks.",
    "events": "Look after events that could not be handled.",
    "users": "Look after accounts.",
    "health": "Ask whether the server here lives.",
    "doctor": "See what is there and what is missing.",
    "migrate": "Bring the database's tables up to date.",
}


class Commands(click.Group):
    """Finds a command in the module of its name."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names, in the order a newcomer needs them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        """Import the command's module."""
        if name not in COMMANDS:
            return None
        command: click.Command = getattr(importlib.import_module(f"meeting.cli.{name}"), name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list without importing anything."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="meeting")
def root() -> None:
    """Run a self-hosted video-meeting backend.

    \b
    Begin with:
      meeting demo            one real meeting in this process, nothing to install
      meeting serve           the server on http://127.0.0.1:8080
      meeting COMMAND --help  what a command can do
    """


def _foreseen() -> tuple[type[Exception], ...]:
    """Return what is no defect but for whoever typed the command to change: a sentence tells all.

    Looked up when something was raised, because importing the server takes a second or two that
    `--help` need not wait for.
    """
    from meeting.app.supervisor.account import Unable
    from meeting.engine.library import Missing
    from meeting.stores.relational.revision import Unfit
    from meeting.transports.listening import BindError

    return Held, Fault, Missing, BindError, Unable, Unfit


def main() -> None:
    """Run the command line; wrong input exits with 2, failures with 1."""
    try:
        root(prog_name="meeting")
    except SystemExit:  # how click ends; what is foreseen need not be looked up
        raise
    except Wrong as error:
        click.echo(f"Wrong setting. {error}", err=True)
        sys.exit(2)
    except _foreseen() as error:
        click.echo(f"Error: {error}", err=True)
        if isinstance(error, Fault) and error.__cause__ is not None:
            click.echo(f"({error.__cause__})".splitlines()[0], err=True)
        sys.exit(1)
