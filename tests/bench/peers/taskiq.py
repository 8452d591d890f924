"""taskiq on Redis: `list` (ListQueueBroker) or `stream` (RedisStreamBroker), with its metrics."""

import asyncio
import socket
import tempfile
from pathlib import Path

import taskiq_redis
from taskiq.middlewares.prometheus_middleware import PrometheusMiddleware
from taskiq.receiver import Receiver

from tests.bench.meter import TIMEOUT, Meter, arguments, enqueue, run, say, together, width


def port() -> int:
    """Find a free one for its metrics."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        number: int = found.getsockname()[1]
        return number


async def main(folder: Path) -> None:
    """Put the tasks in, then take them out."""
    given = arguments()
    meter = Meter(given.number)
    kinds = {"list": taskiq_redis.ListQueueBroker, "stream": taskiq_redis.RedisStreamBroker}
    # Its group begins at "$" by default, which would pass over what came before the worker.
    start = {"consumer_id": "0"} if given.variant == "stream" else {}
    broker = kinds[given.variant](given.url, **start)
    metrics = PrometheusMiddleware(folder, server_port=port(), server_addr="127.0.0.1")
    broker.add_middlewares(metrics)

    async def nothing() -> None:
        meter.hit()

    task = broker.register_task(nothing, "nothing", timeout=TIMEOUT)
    await broker.startup()
    rate = await enqueue(given.number, given.mode, lambda n: together(task.kiq, n))
    broker.is_worker_process = True
    at_once = width(given.mode)
    receiver = Receiver(broker, max_async_tasks=at_once, max_prefetch=at_once - 1)
    stop = asyncio.Event()
    worker = asyncio.ensure_future(receiver.listen(stop))
    await meter.finished(worker)
    say(rate, meter)


with tempfile.TemporaryDirectory() as place:
    run(main(Path(place)))
