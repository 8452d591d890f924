"""The parts of the house as programs: `meeting serve --only PART`, each in a process of its own."""

import sys
from collections.abc import Iterator

import aiohttp
import msgspec

from meeting.app.config import Config
from meeting.app.environment import environment
from meeting.app.modules import DOMAINS, GATEWAY
from meeting.app.reach import url
from meeting.app.supervisor.program import Program

PARTS = (*DOMAINS, GATEWAY)
"""In the order of their start; none needs another to start, and the gateway is the first to end."""
MEETING = (sys.executable, "-m", "meeting")
MORE_SECONDS = 10.0
"""What a process may take to end beyond the time that running requests have."""
ASK_SECONDS = 2.0


def programs(config: Config) -> Iterator[Program]:
    """Make the program of each part; their settings travel in the environment."""
    settings = handed(config)
    for part in PARTS:
        yield Program(
            name=part,
            command=[*MEETING, "serve", "--only", part],
            environment=settings,
            ready=Ready(url(config, part)),
            grace=config.http.drain_seconds + MORE_SECONDS,
        )


def handed(config: Config) -> dict[str, str]:
    """Return the environment of a process of this house that logs to us."""
    log = msgspec.structs.replace(config.log, format="json")
    return environment(msgspec.structs.replace(config, log=log))


class Ready:
    """Asks a part whether it is ready."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/ready"

    async def __call__(self) -> bool:
        """Tell whether `/ready` says so; somebody who does not answer is not."""
        limit = aiohttp.ClientTimeout(total=ASK_SECONDS)
        try:
            async with aiohttp.ClientSession(timeout=limit) as http, http.get(self._url) as answer:
                return answer.status == 200
        except (aiohttp.ClientError, TimeoutError):
            return False
