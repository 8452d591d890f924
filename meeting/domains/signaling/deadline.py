"""How long signalling waits for other domains: a socket must never hang on one of them."""

import asyncio
import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from meeting.kernel.call import Call, Caller
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind


def edge(caller: Caller, request_id: str, clock: Clock, seconds: float) -> Call:
    """Make the call that a frame or a handshake is; `seconds` may be infinite."""
    return Call(caller=caller, request_id=request_id, deadline=clock.monotonic() + seconds)


@asynccontextmanager
async def within(call: Call, clock: Clock) -> AsyncIterator[None]:
    """Give up with `deadline` when a call's time has passed."""
    left = call.deadline - clock.monotonic()
    try:
        async with asyncio.timeout(None if math.isinf(left) else max(0.0, left)):
            yield
    except TimeoutError as error:
        raise Fault(Kind.DEADLINE, "the answer took too long; try again") from error
