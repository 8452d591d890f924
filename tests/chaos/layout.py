"""What a layout is made of: its stores, its processes, and what can be done to them."""

import random
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from tests.chaos.orders import Orders
from tests.chaos.plan import EMBEDDED, Cast, Target
from tests.chaos.stand import Stand

MANY = {Target.WORKER: 3, Target.SUBSCRIBER: 2, Target.RELAY: 2, Target.PRODUCER: 1}
FEW = {Target.WORKER: 2, Target.SUBSCRIBER: 1, Target.RELAY: 1, Target.PRODUCER: 1}


class Layout(Protocol):
    """Stores and processes of a run; where the stores are servers, they can be struck."""

    NAME: str
    CAST: Cast
    database: str
    redis: str
    """Empty where the queue and the feed are in the database."""

    def places(self, sabotage: str) -> Mapping[str, Target]:
        """Name the processes, and what each is."""

    def command(self, target: Target, orders: Orders) -> Sequence[str]:
        """Return the command line of a process of a kind that is to follow the orders."""

    def awake(self, target: Target) -> bool:
        """Tell whether a process of a kind that was started is so far that it can be struck."""

    def stand(self, orders: Orders) -> Stand:
        """Make what looks at the stores."""

    def effects(self, orders: Orders) -> int:
        """Return how many effects there are to be in the end, as the stand counts them."""

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


class Bare:
    """The kernel's parts alone, in processes of their own, on tasks that leave a mark behind."""

    CAST: Cast

    def places(self, sabotage: str) -> Mapping[str, Target]:
        """Name the processes, and what each is.

        With a part broken there are few of each kind: another might mend what that part has done.
        """
        numbers = FEW if sabotage else MANY
        kinds = [each for each in numbers if each in self.CAST.kills]
        return {f"{each}{n}": each for each in kinds for n in range(numbers[each])}

    def command(self, target: Target, orders: Orders) -> Sequence[str]:
        """Return the command line of a process."""
        return [sys.executable, "-m", f"tests.chaos.{target}", orders.written]

    def awake(self, target: Target) -> bool:
        """Tell whether a process can be struck: at any time, since all of a kind are alike."""
        return True

    def stand(self, orders: Orders) -> Stand:
        """Make what looks at the stores."""
        return Stand(orders)

    def effects(self, orders: Orders) -> int:
        """Return how many effects there are to be in the end."""
        return orders.tasks + orders.events


class Embedded(Bare):
    """A SQLite file; there is no server that could be struck."""

    NAME = "embedded"
    CAST = EMBEDDED

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


@contextmanager
def folder(kept: Path | None) -> Iterator[Path]:
    """Give a run a folder: a named one that stays, or one that is thrown away."""
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        yield kept.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="meeting-chaos-") as made:
        yield Path(made)
