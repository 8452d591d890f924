"""What `/ready` says of an engine that died, hangs, or is watched by nobody any more."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import psutil
import pytest

from meeting.app.assembly import engine
from meeting.app.config import Config, Engine, Models
from meeting.app.module import State
from meeting.engine import process
from meeting.kernel.clock import SystemClock
from meeting.kernel.ids import RandomIds
from tests.process import Server, serving

PATIENCE = 60


def child(server: Server) -> psutil.Process | None:
    """Return the engine that the server runs now, if there is one."""
    return next(iter(psutil.Process(server.process.pid).children()), None)


async def ready(server: Server, http: aiohttp.ClientSession) -> tuple[int, dict[str, Any]]:
    """Ask `/ready`: its status, and what it says of the engine."""
    async with http.get(server.url["http"] + "/ready") as response:
        told = await response.json()
        assert (told["status"] == "ready") == (response.status == 200)
        return response.status, told["modules"]["engine"]


async def test_a_dead_engine_is_told(tmp_path: Path) -> None:
    """While it hangs or dies again and again `/ready` is 503 with the reason; then 200 again."""
    settings = {"engine__mode": "process", "models__folder": str(tmp_path), "models__pull": "false"}
    async with serving(tmp_path, **settings) as server, aiohttp.ClientSession() as http:
        await server.ready()
        running = (200, {"state": "running", "reason": ""})
        assert await ready(server, http) == running
        hangs = child(server)
        assert hangs is not None
        hangs.suspend()
        async with asyncio.timeout(PATIENCE):
            while (found := await ready(server, http))[0] == 200:
                await asyncio.sleep(0.05)
        status, said = found
        assert (status, said["state"]) == (503, "starting")
        assert said["reason"].startswith("no engine answers at tcp://127.0.0.1:")
        hangs.resume()
        await server.ready()
        assert await ready(server, http) == running
        async with asyncio.timeout(PATIENCE):
            while (await ready(server, http))[0] == 200:
                if (living := child(server)) is not None:
                    living.kill()
                await asyncio.sleep(0.05)
        await server.ready()
        assert await server.stop() == 0


async def test_a_watch_that_breaks_fails_the_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What nobody foresaw beside the child ends the house instead of passing unseen."""

    async def breaks(_child: object) -> int:
        raise ZeroDivisionError

    monkeypatch.setattr(process, "_follow", breaks)
    config = Config(
        engine=Engine(mode="process", endpoint="tcp://127.0.0.1:0"),
        models=Models(folder=str(tmp_path), pull=False),
    )
    module = engine.make(config, SystemClock(), RandomIds()).module
    await module.start()
    try:
        async with asyncio.timeout(PATIENCE):
            await module.failed.wait()
        assert module.standing == (State.FAILED, "ZeroDivisionError: ")
    finally:
        await module.stop()
