"""A world of the notification domain for each test, on both stores."""

from collections.abc import AsyncIterator

import pytest

from tests.unit.notification.world import World


@pytest.fixture
async def world(url: str) -> AsyncIterator[World]:
    """Open a world with empty tables."""
    async with World.open(url) as opened:
        yield opened
