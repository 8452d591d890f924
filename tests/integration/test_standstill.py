"""A standstill with the store in hand: who waits for the store meanwhile is served afterwards."""

import asyncio
import signal
from pathlib import Path

import aiohttp
import psutil

from tests.process import EMBEDDED, Client, Server

STANDSTILL = 6.5
"""More than three times the shortest deadline, the 2 s of a call between domains."""
WRITERS = 80
HIT = 45
"""The commit that stands still: after those of the start, and half a wave before the last."""


async def test_waiting_writers(tmp_path: Path) -> None:
    """Under --debug a unit that stands still costs those behind it neither answer nor socket."""
    settings = EMBEDDED | {"engine.mode": "external", "models.pull": "false", "debug": "true"}
    settings["tasks.concurrency"] = "0"  # their commits would be counted, too
    server = Server(tmp_path, settings=settings, failpoint=f"after-commit:stop:{HIT}")
    await server.start()
    async with aiohttp.ClientSession() as http:
        ann = await Client(server.url["http"], http).enter("ann")
        room = await ann.socket(await ann.meeting())
        process = psutil.Process(server.process.pid)
        asked = [asyncio.create_task(ann.meeting(start=False)) for _ in range(WRITERS)]
        async with asyncio.timeout(30):
            while process.status() != psutil.STATUS_STOPPED:
                await asyncio.sleep(0.05)
        unanswered = [task for task in asked if not task.done()]
        await asyncio.sleep(STANDSTILL)
        server.process.send_signal(signal.SIGCONT)
        made = await asyncio.gather(*asked)
        await room.send_json({"type": "ping"})
        assert (await room.receive_json(timeout=20))["type"] == "pong"
        await room.close()
    assert await server.stop() == 0
    assert len(unanswered) > 1
    assert len(set(made)) == len(asked)
    assert server.tracebacks() == []
