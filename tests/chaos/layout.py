"""Where the stores of a run are, and what can be done to them."""

import random
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.chaos.plan import Target

WORKERS = 3


class Embedded:
    """A SQLite file; there is no server that could be killed."""

    NAME = "embedded"

    def __init__(self, folder: Path) -> None:
        self.database = f"sqlite+aiosqlite:///{folder}/meeting.db"
        self.redis = ""
        self.places = {f"worker{number}": Target.WORKER for number in range(WORKERS)}
        self.places |= {f"subscriber{number}": Target.SUBSCRIBER for number in range(2)}
        self.places["producer"] = Target.PRODUCER

    def kill(self, target: Target) -> None:
        """Kill a server."""
        raise LookupError(target)

    def resume(self, target: Target) -> None:
        """Run a server again on what it had kept; returns when it answers."""
        raise LookupError(target)

    async def cut(self, target: Target, chance: random.Random) -> None:
        """Have a server close half of its connections."""
        raise LookupError(target)


@contextmanager
def folder(kept: Path | None) -> Iterator[Path]:
    """Give a run a folder: a named one that stays, or one that is thrown away."""
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
        if any(kept.iterdir()):
            raise FileExistsError(f"{kept} is not empty; name another folder")
        yield kept.resolve()
        return
    with tempfile.TemporaryDirectory(prefix="meeting-chaos-") as made:
        yield Path(made)
