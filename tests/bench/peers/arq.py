"""arq on Redis; it has no call that puts several jobs in, so 32 go at once."""

import asyncio
from typing import Any

from arq.connections import RedisSettings, create_pool
from arq.worker import Worker, func

from tests.bench.meter import TIMEOUT, Meter, arguments, enqueue, run, say, together, width


async def main() -> None:
    """Put the tasks in, then take them out."""
    given = arguments()
    meter = Meter(given.number)
    pool = await create_pool(RedisSettings.from_dsn(given.url))

    async def nothing(_context: Any) -> None:
        meter.hit()

    async def put() -> None:
        await pool.enqueue_job("nothing")

    rate = await enqueue(given.number, given.mode, lambda n: together(put, n))
    worker = Worker(
        [func(nothing, name="nothing", timeout=TIMEOUT, keep_result=0)],
        redis_pool=pool,
        max_jobs=width(given.mode),
        poll_delay=0,  # by default it looks for jobs twice a second, and that would be its rate
        handle_signals=False,
    )
    running = asyncio.ensure_future(worker.async_run())
    await meter.finished(running)
    say(rate, meter)


run(main())
