"""A state folder where lesser users than root get to, which pytest's own is not."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def folder() -> Iterator[Path]:
    """Make a short, reachable folder, and throw it away."""
    made = Path(tempfile.mkdtemp(prefix="meeting-split-"))
    made.chmod(0o755)
    state = made / "state"
    state.mkdir(mode=0o700)
    yield state
    shutil.rmtree(made)
