"""The one server that all hostile tests attack."""

from collections.abc import Iterator

import pytest

from tests.integration.hostile.house import House, housed


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Run it once: what one test did to it, the next would see."""
    with housed(tmp_path_factory.mktemp("hostile")) as made:
        yield made
