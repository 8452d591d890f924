"""The suite runs over both servers, and over one that stands behind the gateway."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.signaling.world import Server, World, world


@pytest.fixture(params=["aiohttp", "uvicorn", "gateway"])
def server(request: pytest.FixtureRequest) -> Server:
    """Name the server of a test."""
    name: Server = request.param
    return name


@pytest.fixture
async def house(tmp_path: Path, server: Server) -> AsyncIterator[World]:
    """Serve signalling with the limits of the contract."""
    async with world(tmp_path, server) as made:
        yield made
