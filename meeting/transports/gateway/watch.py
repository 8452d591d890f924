"""Looks whether every owner answers: until all do, the gateway is not ready for anybody."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from multidict import CIMultiDict

from meeting.kernel.errors import Fault
from meeting.transports.gateway.owners import Owners
from meeting.transports.policy import Domain

LOOK_SECONDS = 1.0


class Watch:
    """Asks the owners again and again."""

    def __init__(
        self,
        owners: Owners,
        domains: Iterable[Domain],
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._owners = owners
        self._pause = pause
        self._away = dict.fromkeys(domains, "nobody has answered yet")

    @property
    def lack(self) -> str:
        """Name the owners that do not answer, and why; empty where all do."""
        return "; ".join(f"{domain}: {why}" for domain, why in sorted(self._away.items()) if why)

    async def run(self) -> None:
        """Look until cancelled."""
        while True:
            for domain in self._away:
                self._away[domain] = await self._look(domain)
            await self._pause(LOOK_SECONDS)

    async def _look(self, domain: Domain) -> str:
        try:
            answer = await self._owners.ask(domain, "GET", "/health", CIMultiDict())
        except Fault as fault:
            return str(fault)
        answer.release()
        return ""
