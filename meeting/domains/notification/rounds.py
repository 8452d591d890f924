"""Pays what rows say is owed, frames and mails: at once where it is told of one, else in a while.

Who has to be paid may be away; that is waited for, ever longer, and no debt is forgotten over it.
"""

import asyncio
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from contextlib import suppress

import structlog

from meeting.kernel.errors import Fault

IDLE_SECONDS = 5.0
"""How long what another process owes may go unnoticed; in this one `stir` tells."""
FIRST_PAUSE = 0.1
LONGEST_PAUSE = 10.0

log = structlog.get_logger(__name__)


class Rounds(ABC):
    """Goes its rounds; a subclass says what one is."""

    def __init__(self, pause: Callable[[float], Awaitable[None]]) -> None:
        self._pause = pause
        self._stirred = asyncio.Event()

    def stir(self) -> None:
        """Say that something is owed; called after the commit."""
        self._stirred.set()

    @abstractmethod
    async def step(self) -> bool:
        """Pay what is owed now, a batch at most; False when there was nothing."""

    async def run(self) -> None:
        """Pay until cancelled; a store or a creditor that is away is waited for."""
        pause = FIRST_PAUSE
        while True:
            self._stirred.clear()
            try:
                more = await self.step()
            except Fault as fault:
                log.warning("debts wait", payer=type(self).__name__, kind=fault.kind)
                await self._pause(pause)
                pause = min(pause * 2, LONGEST_PAUSE)
                continue
            pause = FIRST_PAUSE
            if not more:
                with suppress(TimeoutError):
                    async with asyncio.timeout(IDLE_SECONDS):
                        await self._stirred.wait()
