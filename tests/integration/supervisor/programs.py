"""Small real programs for a supervisor, and what was heard of them."""

import os
import sys
from collections.abc import Awaitable, Callable
from typing import Any

from meeting.app.supervisor.backoff import Backoff
from meeting.app.supervisor.child import Child
from meeting.app.supervisor.program import Program
from tests.clock import MovingClock

STANDS = "import time; print('stands', flush=True); time.sleep(600)"


def program(script: str, name: str = "small", **more: Any) -> Program:
    """Return a program that runs a script of Python."""
    return Program(
        name=name,
        command=[sys.executable, "-c", script],
        environment={"PATH": os.environ["PATH"]},
        **more,
    )


class Ear:
    """Hears what children write, and how long is waited between their lives."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str]] = []
        self.pauses: list[float] = []

    def tell(self, name: str, line: bytes) -> None:
        """Take a line."""
        self.lines.append((name, line.decode()))

    async def pause(self, seconds: float) -> None:
        """Take a pause as past."""
        self.pauses.append(seconds)

    def child(
        self, made: Program, pause: Callable[[float], Awaitable[None]] | None = None
    ) -> Child:
        """Make a child whose pauses take no time."""
        return Child(made, self.tell, Backoff(MovingClock()), pause or self.pause)
