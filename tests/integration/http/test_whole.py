"""The policy table against the port that serves everything, as a real process serves it."""

from pathlib import Path

import aiohttp

from meeting.transports.policy import whole
from tests.process import serving


async def test_every_row_has_a_route_and_every_route_a_row(tmp_path: Path) -> None:
    """What 8080 describes is what the table allows, no more and no less; each port can be."""
    described = {}
    async with (
        serving(tmp_path, engine__mode="external", models__pull="false") as server,
        aiohttp.ClientSession() as session,
    ):
        for name in ("http", "ai", "signaling"):
            async with session.get(f"{server.url[name]}/schema") as response:
                assert response.status == 200, server.log()
                described[name] = (await response.json(content_type=None))["paths"]
    served = described["http"].items()
    found = {(method.upper(), path) for path, methods in served for method in methods}
    assert found | {("GET", "/schema"), ("GET", "/metrics")} == set(whole())
