"""The workers: one for each queue of the domains that are here."""

import os
import socket
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from meeting.app.assembly.stores import Stores
from meeting.app.config import Config
from meeting.app.module import Module
from meeting.app.modules import WORKERS
from meeting.kernel.clock import Clock
from meeting.kernel.ids import Ids
from meeting.kernel.queue import Depth
from meeting.kernel.task import Task
from meeting.kernel.work import Handler
from meeting.kernel.worker import Told, Worker
from meeting.stores.relational.lag import behind
from meeting.stores.relational.orphans import orphan
from meeting.stores.relational.parked import SqlAside
from meeting.transports.http.metrics import Meter


class Desk(msgspec.Struct, frozen=True):
    """A queue and who handles what comes out of it."""

    queue: str
    handlers: Mapping[type[Task], Handler]


class Hands(msgspec.Struct, frozen=True):
    """The workers of this process."""

    module: Module
    workers: Sequence[Worker]


def meter(kept: Stores, desks: Sequence[Desk]) -> Meter:
    """Make what counts the work at the desks and looks at their queues."""

    async def depths() -> dict[str, Depth]:
        return {desk.queue: await kept.queue.depth(desk.queue) for desk in desks}

    return Meter(
        types=[task.TYPE for desk in desks for task in desk.handlers],
        depths=depths,
        lags=lambda: behind(kept.database),
        aside=SqlAside(kept.database).count,
    )


def make(
    config: Config, kept: Stores, desks: Sequence[Desk], told: Told, clock: Clock, ids: Ids
) -> Hands:
    """Make a worker for each desk, none where this process is to do no tasks."""
    owner = f"{_host()}:{os.getpid()}:{ids.new()[:8]}"
    workers = [
        Worker(
            desk.queue,
            owner,
            queue=kept.queue,
            handlers=desk.handlers,
            concurrency=config.tasks.concurrency,
            clock=clock,
            told=told,
        )
        for desk in desks
        if config.tasks.concurrency
    ]

    async def start() -> None:
        if kept.database.sqlite:
            # Whoever works on a file works on this machine, so who is gone can be told.
            await orphan(kept.database, _gone, clock.now())

    async def drain() -> None:
        for worker in workers:
            worker.draining = True
        for worker in workers:
            await worker.drain()

    module = Module(
        WORKERS, start=start, background=[worker.run for worker in workers], drain=drain
    )
    return Hands(module=module, workers=workers)


def _host() -> str:
    return socket.gethostname()[:24]


def _gone(owner: str) -> bool:
    """Tell whether the process that this name was made for is no more; others may be anywhere."""
    host, _, rest = owner.partition(":")
    pid = rest.partition(":")[0]
    if host != _host() or not pid.isdecimal():
        return False
    # In a container a successor has its predecessor's number, and asks before it holds anything.
    return int(pid) == os.getpid() or not Path("/proc", pid).exists()
