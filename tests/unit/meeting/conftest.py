"""A world of the meeting domain for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from unit.meeting.world import World

from meeting.stores.relational.database import metadata


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    """Open a world with empty tables."""
    opened = World(tmp_path)
    async with opened.database.write() as connection:
        await connection.run_sync(metadata.create_all)
    yield opened
    await opened.database.close()
