"""A world of the meeting domain for each test."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from meeting.kernel.password import Passwords
from meeting.stores.relational.database import metadata
from tests.stores import at
from tests.unit.meeting.world import World


@pytest.fixture(scope="session")
def passwords() -> Iterator[Passwords]:
    """Open one pool of hashing threads for all tests."""
    pool = Passwords()
    yield pool
    pool.close()


@pytest.fixture
async def world(tmp_path: Path, passwords: Passwords) -> AsyncIterator[World]:
    """Open a world with empty tables."""
    opened = World(at(tmp_path), passwords)
    async with opened.database.write() as connection:
        await connection.run_sync(metadata.create_all)
    yield opened
    await opened.database.close()
