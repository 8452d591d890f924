"""What tests of all kinds share: recordings and models, by path; never copied."""

import os
import subprocess
import sys
from collections.abc import Generator, Hashable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from meeting.models import default_cache
from tests.postgres import Postgres, postgres
from tests.redis import Redis, redis as server
from tests.stores import SERVER
from tests.turns import turns


def pytest_addoption(parser: pytest.Parser) -> None:
    """Let the domains' suites run on the other store, too."""
    parser.addoption(
        "--stores",
        choices=("sqlite", "postgresql"),
        default="sqlite",
        help="where tests keep their rows; those of the contract suites run on both anyway",
    )
    parser.addoption(
        "--layouts",
        choices=("embedded", "all"),
        default="embedded",
        help="in which the stories run; all: what is marked apart runs, too (./run layouts)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Run one PostgreSQL for all workers, if it is asked for."""
    if config.getoption("--stores") == "postgresql" and not hasattr(config, "workerinput"):
        stack = ExitStack()
        os.environ[SERVER] = str(stack.enter_context(postgres(durable=False)).folder)
        config.add_cleanup(stack.close)


@pytest.hookimpl(wrapper=True, tryfirst=True)  # around the one that shuffles
def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> Generator[None]:
    """Leave to ./run layouts what is its, and begin with the long ones, whatever the shuffle says.

    A group stays with one worker.
    """
    if config.getoption("--layouts") != "all":
        apart = [each for each in items if each.get_closest_marker("apart") is not None]
        items[:] = [each for each in items if each.get_closest_marker("apart") is None]
        config.hook.pytest_deselected(items=apart)
    yield
    found = [(each, *_group(each)) for each in items]
    items[:] = turns(found, int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1")))


def _group(item: pytest.Item) -> tuple[Hashable, bool]:
    """Return with whom a test stays together, if it is one of those that begin first."""
    if group := item.get_closest_marker("xdist_group"):
        return group.args, True
    return item.path, item.get_closest_marker("long") is not None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """List the figures that passed tests have measured, one a line."""
    reports = terminalreporter.stats.get("passed", [])
    measured = [(each.nodeid, *pair) for each in reports for pair in each.user_properties]
    if measured:
        terminalreporter.section("figures")
    for nodeid, name, figure in sorted(measured):
        terminalreporter.write_line(f"{nodeid}: {name} {figure}")


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of recordings; tests that need it are skipped where it is absent."""
    found = Path(os.environ.get("MEETING_SHARED", "../shared")).resolve()
    if not (found / "media").is_dir():
        pytest.skip(f"no recordings in {found}; set MEETING_SHARED")
    return found


@pytest.fixture(scope="session")
def cluster() -> Iterator[Postgres]:
    """One PostgreSQL for all tests of a worker, started by the first that needs it."""
    with postgres(durable=False) as running:
        yield running


@pytest.fixture(scope="session")
def valkey() -> Iterator[Redis]:
    """One Redis for all tests of a worker, started by the first that needs it."""
    with server() as running:
        yield running


@pytest.fixture
def redis(valkey: Redis) -> Redis:
    """A Redis that holds nothing; a test that kills or tunes one runs its own."""
    valkey.empty()
    return valkey


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database of either kind: the test runs on both."""
    if request.param == "sqlite":
        return f"sqlite+aiosqlite:///{tmp_path}/rows.db"
    running: Postgres = request.getfixturevalue("cluster")
    return running.database()


@pytest.fixture(scope="session")
def models() -> Path:
    """The folder of models, pulled first where something is missing."""
    folder = Path(os.environ.get("MEETING_MODELS_FOLDER") or default_cache())
    command = [sys.executable, "-m", "meeting", "models", "pull"]
    subprocess.run([*command, "--set", f"models.folder={folder}"], check=True)
    return folder
