"""Calls from one domain to another in the same process, held to what a wire would hold them to."""

import asyncio
import math
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any, TypeVar, cast

from meeting.kernel.call import Call
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.trace import span

Api = TypeVar("Api")
Method = Callable[..., Awaitable[Any]]


def direct(api: Api, peer: str, clock: Clock, seconds: float) -> Api:
    """Return a domain's api whose calls have a span each, and end in time.

    What takes longer than `seconds`, or than the call has left, is `deadline` here as it is over
    gRPC, so that no domain learns to rely on a patience that it has in one process alone.
    """
    return cast("Api", _Direct(api, peer, clock, seconds))


class _Direct:
    def __init__(self, api: object, peer: str, clock: Clock, seconds: float) -> None:
        self._api = api
        self._peer = peer
        self._clock = clock
        self._seconds = seconds

    def __getattr__(self, name: str) -> Method:
        """Wrap a method the first time that it is asked for."""
        method = self._wrapped(getattr(self._api, name), f"{self._peer}.{name}")
        setattr(self, name, method)
        return method

    def _wrapped(self, method: Method, name: str) -> Method:
        @wraps(method)
        async def called(call: Call, *args: Any, **named: Any) -> Any:
            left = min(self._seconds, call.deadline - self._clock.monotonic())
            limit = asyncio.timeout(None if math.isinf(left) else max(0.0, left))
            try:
                with span(name, call):
                    async with limit:
                        return await method(call, *args, **named)
            except TimeoutError as error:
                if not limit.expired():
                    raise
                raise Fault(
                    Kind.DEADLINE,
                    "{peer} took too long; try again shortly",
                    details={"peer": self._peer},
                    peer=self._peer,
                ) from error

        return called
