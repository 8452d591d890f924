"""The processes of a run: who is alive, who took whose place, who fell by itself."""

from collections.abc import Iterator
from pathlib import Path

import msgspec

from tests.chaos.layout import Layout
from tests.chaos.orders import Orders
from tests.chaos.plan import Target
from tests.child import Child
from tests.stories.house import CLEAN

FALLS = 20
"""So many ends that nobody caused are too many to go on."""


class Fallen(Exception):
    """The processes keep ending by themselves."""


class Crew:
    """A child for each place; a place keeps its name, and each child in it has one of its own."""

    def __init__(self, orders: Orders, layout: Layout) -> None:
        self._orders = orders
        self._layout = layout
        self._places = places = layout.places(orders.sabotage)
        self._children: dict[str, Child] = {}
        self._lives = dict.fromkeys(places, 0)
        self.falls: list[str] = []

    def start(self, place: str) -> None:
        """Start a child in a place."""
        self._lives[place] += 1
        orders = msgspec.structs.replace(self._orders, name=self.name(place))
        command = self._layout.command(self._places[place], orders)
        self._children[place] = Child(command, self.log(place), environment=CLEAN)

    def start_all(self) -> None:
        """Start a child in each place."""
        for place in self._places:
            self.start(place)

    def name(self, place: str) -> str:
        """Name the child that is in a place now."""
        return f"{place}.{self._lives[place]}"

    def log(self, place: str) -> Path:
        """Name the file of what the children of a place said."""
        return Path(self._orders.folder) / f"{place}.log"

    def living(self, target: Target) -> Iterator[tuple[str, Child]]:
        """Yield places of a kind whose child lives and can be struck, and the child."""
        for place, child in self._children.items():
            if self._places[place] is target and child.code is None and self._layout.awake(target):
                yield place, child

    def look(self) -> None:
        """Note who ended by itself, and put another in its place."""
        for place, child in list(self._children.items()):
            if child.code is None or self._finished(place, child):
                continue
            self.falls.append(f"{self.name(place)} ended with {child.code}, see {self.log(place)}")
            if len(self.falls) > FALLS:
                raise Fallen("\n".join(self.falls))
            self.start(place)

    @property
    def producing(self) -> bool:
        """Whether somebody has still something to ask for."""
        return any(True for _ in self.living(Target.PRODUCER))

    def _finished(self, place: str, child: Child) -> bool:
        return self._places[place] is Target.PRODUCER and child.code == 0

    def end(self) -> None:
        """Kill all that live."""
        for child in self._children.values():
            if child.code is None:
                child.kill()
