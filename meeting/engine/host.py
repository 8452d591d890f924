"""What runs an engine for this process, and what an engine is started with."""

from pathlib import Path
from typing import Protocol

import msgspec


class EngineSettings(msgspec.Struct, frozen=True, kw_only=True):
    """What an engine is started with."""

    models: Path
    """The folder that `meeting models pull` fills."""
    library: Path
    endpoint: str = "tcp://127.0.0.1:5555"
    """Port 0 takes a free one."""
    workers: int = 2
    queue: int = 64
    deadline: int = 120
    """Seconds that a recognition may take where its own deadline is not shorter; at most a day."""


class EngineFailed(Exception):
    """The engine can't be started; the text says what to do."""


class Host(Protocol):
    """Runs an engine, wherever; the rest of the house sees the endpoint alone."""

    @property
    def endpoint(self) -> str:
        """Where the engine listens, once it is started."""
        ...

    async def start(self) -> None:
        """Start it and return once it listens; `EngineFailed` where it can't."""
        ...

    async def watch(self) -> None:
        """Keep it running, until cancelled."""
        ...

    async def stop(self) -> None:
        """Let running work end and stop it; again: nothing happens."""
        ...
