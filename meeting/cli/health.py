"""`meeting health`: whether the server on this machine lives, for who restarts it otherwise."""

import sys
import urllib.request

import click

from meeting.app.config import Config
from meeting.app.reach import url
from meeting.cli.settings import settings

PATIENCE = 3.0


@click.command()
@click.option("--ready", is_flag=True, help="Whether it has all that it needs, too.")
@settings
def health(config: Config, *, ready: bool) -> None:
    """Ask the server that runs here on the same settings whether it lives.

    It asks /health, or /ready, at the address of the settings. Exit code 0: yes. 1: no. Made for
    the health checks of container engines and the like, which need no curl then.
    """
    address = url(config, config.only[0] if config.only else "")
    address += "/ready" if ready else "/health"
    try:
        # No proxy of the environment: it is on this machine.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(address, timeout=PATIENCE) as answer:
            answer.read()
    except OSError as error:
        click.echo(f"{address}: {getattr(error, 'reason', error)}", err=True)
        sys.exit(1)
    click.echo(f"{address}: yes")
