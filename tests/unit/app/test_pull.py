"""What the log says of models that could not be fetched at the start."""

import threading
from pathlib import Path

from structlog.testing import capture_logs

from meeting.app.assembly.engine import _pull
from meeting.app.config import Config, Models


def levels(config: Config, stopped: threading.Event) -> list[str]:
    """Pull, and return the levels of the lines that were logged."""
    with capture_logs() as logs:
        _pull(config, stopped)
    return [line["log_level"] for line in logs]


def test_missing_models_are_an_error(tmp_path: Path) -> None:
    """What can't be had is said, and the house goes on."""
    models = Models(folder=str(tmp_path / "cache"), mirror=str(tmp_path / "none"))
    assert levels(Config(models=models), threading.Event()) == ["error"]


def test_a_stop_is_no_error(tmp_path: Path) -> None:
    """A house that is asked to end while it fetches has nothing to complain of."""
    stopped = threading.Event()
    stopped.set()
    assert levels(Config(models=Models(folder=str(tmp_path))), stopped) == []
