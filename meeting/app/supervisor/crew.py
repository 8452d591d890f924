"""All children together: started in order, waited for, and stopped in reverse."""

import asyncio
from collections.abc import Callable, Sequence

import structlog

from meeting.app.config import Wrong
from meeting.app.supervisor.child import Child, State

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.1


class Crew:
    """The children of this process, in the order in which they were started."""

    def __init__(self, show: Callable[[Sequence[Child]], None] = lambda _: None) -> None:
        self._children: list[Child] = []
        self._ends: dict[asyncio.Task[str], Child] = {}
        self._grew = asyncio.Event()
        self._show = show

    async def start(self, children: Sequence[Child]) -> None:
        """Start them, and return once all are ready."""
        for child in children:
            self._children.append(child)
            self._ends[child.start()] = child
        self._grew.set()
        while not all(child.state is State.READY for child in children):
            self._show(self._children)
            await asyncio.sleep(LOOK_SECONDS)
        self._show(self._children)

    async def watch(self) -> None:
        """Wait for ever, or until a child can't be kept: `Wrong` for a setting, or what it was."""
        while True:
            self._grew.clear()
            grew = asyncio.create_task(self._grew.wait())
            try:
                both = {grew, *self._ends}
                done, _ = await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
            finally:
                grew.cancel()
            for task, child in self._ends.items():
                if task in done:
                    raise Wrong(f"{child.name}: {task.result()}")

    async def stop(self) -> bool:
        """Stop all, the last started first, each when those after it have ended; True: all well."""
        for child in reversed(self._children):
            await child.stop()
        return all(child.well for child in self._children)

    def kill(self) -> None:
        """End all at once."""
        for child in self._children:
            child.kill()
