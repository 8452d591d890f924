"""The workers: one for each queue of the domains that are here."""

import os
import socket
from collections.abc import Mapping, Sequence

import msgspec

from meeting.app.assembly.stores import Stores
from meeting.app.config import Config
from meeting.app.module import Module
from meeting.app.modules import WORKERS
from meeting.kernel.clock import Clock
from meeting.kernel.ids import Ids
from meeting.kernel.queue import Depth
from meeting.kernel.task import Task
from meeting.kernel.worker import Handler, Told, Worker
from meeting.stores.relational.lag import behind
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
    )


def make(
    config: Config, kept: Stores, desks: Sequence[Desk], told: Told, clock: Clock, ids: Ids
) -> Hands:
    """Make a worker for each desk, none where this process is to do no tasks."""
    owner = f"{socket.gethostname()[:24]}:{os.getpid()}:{ids.new()[:8]}"
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

    async def drain() -> None:
        for worker in workers:
            worker.draining = True
        for worker in workers:
            await worker.drain()

    module = Module(WORKERS, background=[worker.run for worker in workers], drain=drain)
    return Hands(module=module, workers=workers)
