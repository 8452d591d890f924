"""What `--split` shows of its children."""

import json
import logging
import os
import sys
from collections.abc import Iterator

import pytest
import structlog

from meeting.app.config import Log
from meeting.app.supervisor.backoff import Backoff
from meeting.app.supervisor.child import Child
from meeting.app.supervisor.program import Program
from meeting.cli.board import Board, table
from meeting.kernel.clock import SystemClock

ENTRY = b'{"event": "request", "level": "%s", "timestamp": "2026-01-01T00:00:00Z"}'


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    """Leave the log as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def test_one_object_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    """Entries of children carry their part, and stand among our own."""
    with Board(Log(format="json")) as board:
        board.tell("user", ENTRY % b"info")
        structlog.get_logger().info("started")
        board.tell("postgres", b"LOG:  \x1b[31mready")
    request, started, ready = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert (request["part"], request["event"]) == ("user", "request")
    assert started["event"] == "started"
    assert "part" not in started
    assert (ready["part"], ready["event"]) == ("postgres", "LOG:  \x1b[31mready")


def test_readable(capsys: pytest.CaptureFixture[str]) -> None:
    """On a console each line says whose it is, and none steers the terminal."""
    with Board(Log(format="console")) as board:
        board.tell("user", ENTRY % b"info")
        board.tell("postgres", b"\x1b]0;title\x07x")
    first, second = capsys.readouterr().err.splitlines()
    assert "request" in first
    assert "user" in first
    assert "\x1b]0;" not in second
    assert "\x07" not in second


def test_what_matters_less_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    """Children that know no level of ours are held to it here."""
    with Board(Log(format="json", level="warning")) as board:
        board.tell("user", ENTRY % b"info")
        board.tell("postgres", b"LOG:  ready")
        board.tell("user", ENTRY % b"error")
    assert [json.loads(line)["level"] for line in capsys.readouterr().err.splitlines()] == ["error"]


def test_nobody_reads_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """When who read the log has gone, its lines are dropped and the work goes on."""
    ours, theirs = os.pipe()
    os.close(ours)
    gone = os.fdopen(theirs, "w", buffering=1)
    with monkeypatch.context() as patch, Board(Log(format="json")) as board:
        patch.setattr(sys, "stderr", gone)
        board.tell("user", ENTRY % b"info")
        board.flush()
    with pytest.raises(BrokenPipeError):
        gone.close()


def test_the_table_has_a_row_for_each_child() -> None:
    """Part, process id, state and restarts."""
    program = Program(name="user", command=["x"], environment={})
    made = table([Child(program, lambda _name, _line: None, Backoff(SystemClock()))])
    cells = [next(iter(column.cells)) for column in made.columns]
    assert cells == ["user", "", "[dim]waiting[/]", "0"]
