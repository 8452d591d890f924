"""What is true of a port is true of it behind the gateway."""

import pytest

from tests.front import Way


@pytest.fixture(params=["straight", "gateway"])
def way(request: pytest.FixtureRequest) -> Way:
    """Name the way by which the clients of a test come."""
    name: Way = request.param
    return name
