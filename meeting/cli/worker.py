"""`meeting worker`: background tasks in a process of their own."""

import asyncio
import sys

import click
import msgspec
import uvloop

from meeting.app.assembly.hands import hands
from meeting.app.assembly.queue import QUEUES
from meeting.app.config import Config
from meeting.app.logging import configure
from meeting.app.run import run
from meeting.cli.settings import settings


@click.command()
@click.option(
    "--queues",
    default=",".join(QUEUES),
    show_default=True,
    metavar="NAME,NAME",
    help="Which queues to work on.",
)
@click.option("--concurrency", type=click.IntRange(1, 1000), help="Tasks of one queue at a time.")
@settings
def worker(config: Config, queues: str, concurrency: int | None) -> None:
    """Do background tasks, beside a server or many.

    Takes the same settings as the server (--state-dir, or postgres.dsn and redis.url). As many as
    you like may run; a server with tasks.concurrency=0 leaves all tasks to them. SIGTERM lets
    running tasks end, and gives back what does not end in time, so that others do it.
    """
    chosen = [name.strip() for name in queues.split(",") if name.strip()]
    if unknown := sorted(set(chosen) - set(QUEUES)):
        raise click.BadParameter(f"{', '.join(unknown)}; known are {', '.join(QUEUES)}")
    if concurrency is not None:
        tasks = msgspec.structs.replace(config.tasks, concurrency=concurrency)
        config = msgspec.structs.replace(config, tasks=tasks)
    configure(config.log)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        sys.exit(runner.run(_run(config, chosen)))


async def _run(config: Config, queues: list[str]) -> int:
    return await run(await hands(config, queues))
