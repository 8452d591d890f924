"""Looks whether every owner answers: until all do, the gateway is not ready for anybody."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from http import HTTPStatus

from multidict import CIMultiDict

from meeting.kernel.errors import Fault
from meeting.transports.gateway.owners import Owners, away
from meeting.transports.policy import Domain

LOOK_SECONDS = 1.0
ANSWER_SECONDS = 2.0


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
            async with asyncio.TaskGroup() as looks:
                for domain in self._away:
                    looks.create_task(self._look(domain))
            await self._pause(LOOK_SECONDS)

    async def _look(self, domain: Domain) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await self._owners.ask(domain, "GET", "/health", CIMultiDict())
        except Fault as fault:
            self._away[domain] = str(fault)
        except TimeoutError:
            self._away[domain] = str(away(domain))
        else:
            answer.close()  # nothing of it is read
            well = answer.status == HTTPStatus.OK
            self._away[domain] = "" if well else f"it answers {answer.status} to /health"
