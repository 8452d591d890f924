"""A house with meetings for each test."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.integration.meeting.house import House, house as opened


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    """Open a house on any free port."""
    async with opened(tmp_path, House) as opening:
        yield opening
