"""How fast something is asked for: step by step, no further than is allowed by now."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Generic, Protocol, TypeVar

LOOK_SECONDS = 0.05


class Reaching(Protocol):
    """A step that knows how far it goes."""

    @property
    def reached(self) -> int:
        """How many effects there are to be up to here."""


T = TypeVar("T", bound=Reaching)


class Pace(Generic[T]):
    """Gives out steps, one after the other, to however many ask."""

    def __init__(self, steps: Iterator[T], allowance: Path) -> None:
        self._steps = steps
        self._allowance = allowance
        self._turn = asyncio.Lock()

    async def next(self) -> T | None:
        """Return the next step as soon as it may be done; None when all were given out."""
        async with self._turn:
            step = next(self._steps, None)
            while step is not None and step.reached > int(self._allowance.read_text()):
                await asyncio.sleep(LOOK_SECONDS)
            return step
