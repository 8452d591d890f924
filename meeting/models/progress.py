"""How a long step tells its caller where it is, and how the caller stops it."""

import threading
from collections.abc import Callable
from typing import Literal

import msgspec

from meeting.models.errors import StoppedError

Step = Literal["wait", "fetch", "unpack", "convert", "check", "note", "ready"]


class Progress(msgspec.Struct, frozen=True):
    """One notice: `done` of `total` bytes of `item`; `total` 0 where it is not known."""

    model: str
    step: Step
    item: str = ""
    done: int = 0
    total: int = 0


Report = Callable[[Progress], None]


def ignore(_: Progress) -> None:
    """Report to nobody."""


class Work(msgspec.Struct, frozen=True):
    """What the steps of one model's pull share: whose it is, who listens, who may stop it."""

    model: str
    report: Report
    stop: threading.Event

    def tell(self, step: Step, item: str = "", done: int = 0, total: int = 0) -> None:
        """Report, unless the caller asked to stop: then raise `StoppedError`."""
        if self.stop.is_set():
            raise StoppedError(f"{self.model}: stopped; `meeting models pull` goes on from here")
        self.report(Progress(self.model, step, item, done, total))
