"""What `--split` shows: the log of all children, and on a terminal a table until all stand."""

import logging
import sys
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import structlog
from rich.console import Console
from rich.live import Live
from rich.table import Table
from rich.text import Text

from meeting.app.config import Log
from meeting.app.logging import configure, renderers
from meeting.app.supervisor.child import Child, State
from meeting.app.supervisor.lines import entry
from meeting.kernel.clock import SystemClock

COLOURS = {State.READY: "green", State.FALLEN: "red", State.STARTING: "yellow"}


class Board:
    """Writes whole lines to standard error, one at a time, above the table while there is one."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._renderers = renderers(log)
        self._logger = structlog.get_logger(__name__)
        self._clock = SystemClock()
        self._console = Console(stderr=True, highlight=False)
        self._live: Live | None = None

    def __enter__(self) -> Self:
        configure(self._log, self)
        if self._console.is_terminal:
            self._live = Live(console=self._console, redirect_stdout=False, redirect_stderr=False)
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.leave()

    def tell(self, part: str, line: bytes) -> None:
        """Log a line that a child wrote, unless it matters less than the log is to have."""
        made: Any = entry(part, line, self._clock)
        if _level(made.get("level")) < _level(self._log.level):
            return
        for renderer in self._renderers:
            made = renderer(self._logger, "msg", made)
        self.write(f"{made}\n")

    def show(self, children: Sequence[Child]) -> None:
        """Draw how the children stand."""
        if self._live is not None:
            self._live.update(table(children), refresh=True)

    def leave(self) -> None:
        """Leave the table as it is, and go on with the log below it."""
        live, self._live = self._live, None
        if live is not None:
            live.stop()

    def write(self, text: str) -> None:
        """Write a line of the log; it is dropped when who read it has gone."""
        with suppress(OSError):
            if self._live is None:
                sys.stderr.write(text)
            else:
                self._console.print(Text.from_ansi(text), soft_wrap=True)

    def flush(self) -> None:
        """Let nothing wait."""
        with suppress(OSError):
            sys.stderr.flush()


def _level(name: object) -> int:
    found = logging.getLevelNamesMapping().get(str(name).upper())
    return logging.INFO if found is None else found


def table(children: Sequence[Child]) -> Table:
    """Draw a row for each child."""
    drawn = Table(box=None, pad_edge=False)
    for name in ("part", "pid", "state", "restarts"):
        drawn.add_column(name)
    for child in children:
        colour = COLOURS.get(child.state, "dim")
        state = f"[{colour}]{child.state}[/]"
        drawn.add_row(child.name, str(child.pid or ""), state, str(child.restarts))
    return drawn
