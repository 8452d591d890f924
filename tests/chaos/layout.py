"""Where the stores of a run are, and what can be done to them."""

import random
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tests.chaos.plan import Target

MANY = {Target.WORKER: 3, Target.SUBSCRIBER: 2, Target.RELAY: 2, Target.PRODUCER: 1}
FEW = {Target.WORKER: 2, Target.SUBSCRIBER: 1, Target.RELAY: 1, Target.PRODUCER: 1}


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

    With a part broken there are few of each kind: another might mend what that part has done.
    """
    numbers = FEW if sabotage else MANY
    kinds = [each for each in numbers if servers or each is not Target.RELAY]
    return {f"{each}{n}": each for each in kinds for n in range(numbers[each])}


@contextmanager
def folder(kept: Path | None) -> Iterator[Path]:
    """Give a run a folder: a named one that stays, or one that is thrown away."""
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="meeting-chaos-") as made:
        yield Path(made)
