"""What a terminal shows of an error: where it happened, and nothing of what was in hand there."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from meeting.app.config import Log
from meeting.app.logging import configure


@pytest.fixture(autouse=True)
def _unchanged() -> Iterator[None]:
    """Give logging back as it was."""
    root, before = logging.getLogger(), structlog.get_config()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**before)


def enter(password: str) -> None:
    """Fail with a secret in hand."""
    raise LookupError(f"{len(password)} characters")


@pytest.mark.parametrize("form", ["console", "json"])
def test_no_variables(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A traceback names lines and functions but shows the value of no variable."""
    configure(Log(format=form))  # type: ignore[arg-type]
    secret = "hunter2" * 2
    try:
        enter(secret)
    except LookupError:
        structlog.get_logger("test").exception("it broke")
        logging.getLogger("library").exception("it broke as well")
    shown = capsys.readouterr().err
    assert shown.count("LookupError: 14 characters") == 2
    assert "in enter" in shown
    assert secret not in shown


def test_nothing_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    """A text from outside, such as a task's type, is shown with signs in place of controls."""
    configure(Log(format="console"))
    structlog.get_logger("test").error("task is dead", type="\x1b[2J\x9bno")
    shown = capsys.readouterr().err
    assert "[2J" in shown
    assert "\x1b[2J" not in shown
    assert "\x9b" not in shown
