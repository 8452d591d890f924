"""The houses of a worker, each started by the first story that asks for it, and a way in."""

from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from tests.postgres import Postgres
from tests.stories import layouts
from tests.stories.house import House
from tests.stories.visit import Visit


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory, models: Path) -> Iterator[House]:
    """One process alone."""
    with layouts.embedded(tmp_path_factory.mktemp("embedded"), models) as house:
        yield house


@pytest.fixture(scope="session")
def servers(
    tmp_path_factory: pytest.TempPathFactory, models: Path, cluster: Postgres
) -> Iterator[House]:
    """One process on a PostgreSQL and a Redis."""
    with layouts.servers(tmp_path_factory.mktemp("servers"), models, cluster) as house:
        yield house


@pytest.fixture(scope="session")
def split(
    tmp_path_factory: pytest.TempPathFactory, models: Path, cluster: Postgres
) -> Iterator[House]:
    """Its parts apart, behind a gateway."""
    with layouts.split(tmp_path_factory.mktemp("split"), models, cluster) as house:
        yield house


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Tell each story in the layouts that are asked for.

    A house is costly, so the stories of a layout stay with one worker, as far as that goes.
    """
    wanted = layouts.LAYOUTS if metafunc.config.getoption("--layouts") == "all" else ("embedded",)
    each = [pytest.param(name, marks=pytest.mark.xdist_group(name)) for name in wanted]
    for fixture in {"house", "own"} & set(metafunc.fixturenames):
        metafunc.parametrize(fixture, each, indirect=True)
    if "ends" in metafunc.fixturenames:
        metafunc.parametrize("ends", each[:: max(len(each) - 1, 1)], indirect=True)


@pytest.fixture
async def house(request: pytest.FixtureRequest) -> AsyncIterator[Visit]:
    """A house in each layout, which others use, too."""
    async with visiting(request.getfixturevalue(request.param)) as visit:
        yield visit


@pytest.fixture
async def ends(request: pytest.FixtureRequest) -> AsyncIterator[Visit]:
    """A house in the two layouts that lie farthest apart, for what takes its time."""
    async with visiting(request.getfixturevalue(request.param)) as visit:
        yield visit


@pytest.fixture
async def own(request: pytest.FixtureRequest, tmp_path: Path, models: Path) -> AsyncIterator[Visit]:
    """A house in each layout for a story alone, that does to it what others would not like."""
    with ExitStack() as stack:
        given = [request.getfixturevalue("cluster")] if request.param != "embedded" else []
        opened = getattr(layouts, request.param)(tmp_path, models, *given)
        async with visiting(stack.enter_context(opened)) as visit:
            yield visit


@asynccontextmanager
async def visiting(home: House) -> AsyncIterator[Visit]:
    """Visit a house; the story fails if a process of it dies or breaks meanwhile."""
    home.check()
    marks = home.marks()
    opened: list[aiohttp.ClientWebSocketResponse] = []

    class Socket(aiohttp.ClientWebSocketResponse):
        """Is closed with the story, however that leaves it."""

        def __init__(self, *given: Any, **more: Any) -> None:
            super().__init__(*given, **more)
            opened.append(self)

    async with aiohttp.ClientSession(ws_response_class=Socket) as http:
        try:
            yield Visit(home, http)
        finally:
            for socket in opened:
                await socket.close()
    home.check()
    assert home.broken(marks) == []
