"""`meeting serve`: the server."""

import asyncio
import resource
import sys

import click
import uvloop

from meeting.app.assembly.house import build
from meeting.app.config import Config
from meeting.app.logging import configure
from meeting.app.run import run
from meeting.cli.settings import settings


@click.command()
@click.option(
    "--debug",
    is_flag=True,
    help="For a debugger: one process, loopback only, and deadlines wait for you.",
)
@click.option(
    "--only",
    metavar="PART,PART",
    help="Some parts of the house: user, meeting, signaling, media, ai, notification; or gateway.",
)
@click.option(
    "--split",
    is_flag=True,
    help="Each part in a process of its own on this machine, behind a gateway.",
)
@settings
def serve(config: Config, *, split: bool) -> None:
    """Run the meeting server.

    Without settings everything runs in this process and is kept in one state folder; no other
    server is needed, and a restart loses nothing. Missing models are fetched first; meanwhile
    the rest works and /ready tells how far it is. SIGTERM or Ctrl-C lets running requests end.

    \b
    Every setting can be given as
      a line of a TOML file    http.port = 9000          (--config FILE)
      an environment variable  MEETING_HTTP_PORT=9000
      a flag                   --set http.port=9000
    The later in this list wins.

    \b
    The same house in several processes, here or on several machines, which meet in a
    PostgreSQL and a Redis (settings postgres.dsn, redis.url) and call each other by gRPC:
      meeting serve --split                 all of it on this machine, watched and kept running;
                                            without the two settings it starts both itself
      meeting serve --only user             one part, or several: --only meeting,ai
      meeting serve --only gateway          one address for clients, in front of the parts
    They may start in any order. See config/split.toml.

    Exit code 0: stopped as asked. 1: a part failed. 2: a wrong setting.
    """
    _open_files()
    if split:
        sys.exit(_split(config))
    configure(config.log)
    # Under a debugger the plain loop is easier to step through.
    factory = None if config.debug else uvloop.new_event_loop
    with asyncio.Runner(loop_factory=factory) as runner:
        sys.exit(runner.run(_run(config)))


def _open_files() -> None:
    """Take as many open files as the system grants: a socket is one, and 1024 are usual at first.

    The setting signaling.max_sockets is far above that, and with none left nothing is written
    either.
    """
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


def _split(config: Config) -> int:
    from meeting.app.supervisor.split import Split, run
    from meeting.cli.board import Board

    with Board(config.log) as board, asyncio.Runner() as runner:
        return runner.run(run(Split(config, board)))


async def _run(config: Config) -> int:
    return await run(await build(config))
