"""A state folder where lesser users than root get to, and settings for a house in it."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from meeting.app.config import Config
from meeting.app.modules import DOMAINS
from meeting.cli.stand import private, spread
from tests.process import EMBEDDED

BARE = {"models.pull": "false", "http.drain_seconds": "5"}


@pytest.fixture
def folder() -> Iterator[Path]:
    """Make a short, reachable folder, and throw it away."""
    made = Path(tempfile.mkdtemp(prefix="meeting-split-"))
    made.chmod(0o755)
    state = made / "state"
    state.mkdir(mode=0o700)
    yield state
    shutil.rmtree(made)


@pytest.fixture
def given(folder: Path) -> Iterator[dict[str, str]]:
    """Hold a port for every part, and return the settings with them."""
    with spread(private(Config(), str(folder))) as found:
        ports = {f"{name}.port": str(getattr(found, name).port) for name in ("http", *DOMAINS)}
        calls = {f"grpc.{name}": str(getattr(found.grpc, name)) for name in DOMAINS}
        yield EMBEDDED | BARE | ports | calls | {"models.folder": str(folder.parent)}
