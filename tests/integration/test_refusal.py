"""What is in the way of a server is said in a sentence with the setting to change, and ends it."""

import asyncio
import socket
from pathlib import Path

import pytest

from tests.process import EMBEDDED, Server


@pytest.mark.parametrize("mode", ["threads", "process"])
async def test_the_engine_s_endpoint_is_taken(tmp_path: Path, mode: str) -> None:
    """The process ends with 1, and its log names endpoint and setting without a traceback."""
    with socket.create_server(("127.0.0.1", 0)) as holder:
        endpoint = f"tcp://127.0.0.1:{holder.getsockname()[1]}"
        settings = {"engine.mode": mode, "engine.endpoint": endpoint, "models.pull": "false"}
        settings["models.folder"] = str(tmp_path)
        server = await Server(tmp_path, settings=EMBEDDED | settings).start()
        async with asyncio.timeout(30):
            assert await server.gone() == 1
    (failed,) = [line for line in server.lines if line.get("event") == "module failed"]
    assert failed["module"] == "engine"
    assert endpoint in failed["reason"]
    assert "engine.endpoint" in failed["reason"]
    assert server.tracebacks() == []
