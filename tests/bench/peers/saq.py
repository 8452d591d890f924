"""SAQ on Redis; it has no call that puts several jobs in, so 32 go at once."""

import asyncio
from typing import Any

import saq

from tests.bench.meter import TIMEOUT, Meter, arguments, enqueue, run, say, together, width


async def main() -> None:
    """Put the tasks in, then take them out."""
    given = arguments()
    meter = Meter(given.number)
    queue = saq.Queue.from_url(given.url)
    await queue.connect()

    async def nothing(_context: Any) -> None:
        meter.hit()

    async def put() -> None:
        await queue.enqueue("nothing", timeout=TIMEOUT, retries=4, ttl=-1)  # keeps no results

    rate = await enqueue(given.number, given.mode, lambda n: together(put, n))
    functions: Any = [("nothing", nothing)]
    worker = saq.Worker(queue, functions, concurrency=width(given.mode))
    running = asyncio.ensure_future(worker.start())
    await meter.finished(running)
    say(rate, meter)


run(main())
