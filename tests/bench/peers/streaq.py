"""streaQ on Redis streams; its call for several tasks is `enqueue_many`."""

import asyncio
from typing import Any

import streaq

from tests.bench.meter import TIMEOUT, Meter, arguments, enqueue, run, say, width


async def main() -> None:
    """Put the tasks in, then take them out."""
    given = arguments()
    meter = Meter(given.number)
    at_once = width(given.mode)
    worker: Any = streaq.Worker(given.url, concurrency=at_once, handle_signals=False)

    async def nothing() -> None:
        meter.hit()

    task = worker.task(name="nothing", timeout=TIMEOUT, ttl=0, silent=True)(nothing)

    async def put(number: int) -> None:
        if number == 1:
            await task.enqueue()
        else:
            await worker.enqueue_many([task.enqueue() for _ in range(number)])

    async with worker:
        rate = await enqueue(given.number, given.mode, put)
    running = asyncio.ensure_future(worker.run_async())
    await meter.finished(running)
    say(rate, meter)


run(main())
