"""The calls that are open on one connection."""

import asyncio
from collections.abc import Callable
from typing import Any

from grpclib.protocol import AbstractHandler, Stream

from meeting.transports.grpc.dispatch import Dispatch
from meeting.transports.grpc.exchange import Exchange
from meeting.transports.grpc.wire import decoded, first


class Calls(AbstractHandler):
    """A task each; it is cancelled when its caller takes the stream away or is gone."""

    def __init__(self, dispatch: Dispatch) -> None:
        self.address = ""
        """The IP address of who is connected."""
        self._dispatch = dispatch
        self._open: dict[Stream, tuple[asyncio.Task[None], Exchange]] = {}
        self.ever = False
        """Whether there has been one."""
        self.since = asyncio.get_running_loop().time()
        """When the last one ended, or the connection began."""

    @property
    def tasks(self) -> list[asyncio.Task[None]]:
        """Return the open calls."""
        return [task for task, _ in self._open.values()]

    @property
    def busy(self) -> bool:
        """Tell whether a call is open for which the connection has to stay."""
        return any(not exchange.nobodys for _, exchange in self._open.values())

    def _watching(self) -> int:
        return sum(exchange.endless for _, exchange in self._open.values())

    def accept(self, stream: Stream, headers: Any, release_stream: Callable[[], None]) -> None:
        """Begin a call."""
        self.ever = True
        exchange, read = Exchange(stream, self._watching), first(decoded(headers))
        # By its own callback: a task that is cancelled before it runs has no `finally`.
        task = asyncio.create_task(self._dispatch.serve(exchange, read, self.address))
        self._open[stream] = task, exchange
        task.add_done_callback(lambda ended: self._over(stream, ended, release_stream))

    def cancel(self, stream: Stream) -> None:
        """End the work for a caller who does not want it any more."""
        if (found := self._open.get(stream)) is not None:
            found[0].cancel()

    def close(self) -> None:
        """End all of it: nobody is there any more."""
        for task in self.tasks:
            task.cancel()

    def tell(self, *, endless: bool = False) -> None:
        """End open calls, or only the endless ones, and let their callers know why."""
        for task, exchange in self._open.values():
            if not exchange.told and (exchange.endless or not endless):
                exchange.told = True
                task.cancel()

    def _over(self, stream: Stream, task: asyncio.Task[None], release: Callable[[], None]) -> None:
        self._open.pop(stream, None)
        self.since = asyncio.get_running_loop().time()
        release()
        if not task.cancelled():
            task.exception()  # was logged where it was raised
