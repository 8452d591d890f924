"""What tests of all kinds share: recordings and models, by path; never copied."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from meeting.models import default_cache


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
def models() -> Path:
    """The folder of models, pulled first where something is missing."""
    folder = Path(os.environ.get("MEETING_MODELS_FOLDER") or default_cache())
    command = [sys.executable, "-m", "meeting", "models", "pull"]
    subprocess.run([*command, "--set", f"models.folder={folder}"], check=True)
    return folder
