"""The one server that all hostile tests attack."""

from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.integration.hostile.house import House, housed
from tests.integration.hostile.ledger import Ledger


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """Run it once: what one test did to it, the next would see."""
    with housed(tmp_path_factory.mktemp("hostile")) as made:
        yield made


@pytest.fixture
def ledger(house: House) -> Iterator[Ledger]:
    """What the server's stores held when the test began."""
    with closing(Ledger(house.state)) as opened:
        yield opened
