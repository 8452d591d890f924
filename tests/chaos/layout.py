"""Where the stores of a run are, and what can be done to them."""

import random
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tests.chaos.plan import Target

WORKERS = 3
SUBSCRIBERS = 2
RELAYS = 2


class Layout(Protocol):
    """The stores of a run; where they are servers, they can be struck."""

    NAME: str
    database: str
    redis: str
    """Empty where the queue and the feed are in the database."""

    def kill(self, target: Target) -> None:
        """Kill a server."""

    def resume(self, target: Target) -> None:
        """Run a server again on what it had kept; returns when it answers."""

    def hold(self, target: Target) -> None:
        """Let a server stand still."""

    def go_on(self, target: Target) -> None:
        """Let it go on."""

    def cut(self, target: Target, chance: random.Random) -> None:
        """Have a server close half of its connections."""


class Embedded:
    """A SQLite file; there is no server that could be struck."""

    NAME = "embedded"

    def __init__(self, folder: Path) -> None:
        self.database = f"sqlite+aiosqlite:///{folder}/meeting.db"
        self.redis = ""

    def kill(self, target: Target) -> None:
        """Kill a server."""
        raise LookupError(target)

    def resume(self, target: Target) -> None:
        """Run a server again."""
        raise LookupError(target)

    def hold(self, target: Target) -> None:
        """Let a server stand still."""
        raise LookupError(target)

    def go_on(self, target: Target) -> None:
        """Let it go on."""
        raise LookupError(target)

    def cut(self, target: Target, chance: random.Random) -> None:
        """Close connections."""
        raise LookupError(target)


@contextmanager
def embedded(folder: Path) -> Iterator[Layout]:
    """Use a file in the folder of the run."""
    yield Embedded(folder)


def places(*, servers: bool, sabotage: str) -> Mapping[str, Target]:
    """Name the processes of a layout, and what each is.

    A relay that marks first is alone: a second one would notice, and mend what it did.
    """
    numbers = {Target.WORKER: WORKERS, Target.SUBSCRIBER: SUBSCRIBERS}
    numbers |= {Target.RELAY: 1 if sabotage == "mark" else RELAYS} if servers else {}
    found = {f"{each}{n}": each for each, number in numbers.items() for n in range(number)}
    return found | {"producer": Target.PRODUCER}


@contextmanager
def folder(kept: Path | None) -> Iterator[Path]:
    """Give a run a folder: a named one that stays, or one that is thrown away."""
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="meeting-chaos-") as made:
        yield Path(made)
