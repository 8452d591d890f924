"""The engine on native threads of this process: the default, and what a debugger wants."""

import asyncio
from typing import TYPE_CHECKING

from meeting.engine.host import EngineFailed, EngineSettings

if TYPE_CHECKING:
    from meeting.engine._native import Engine


class ThreadHost:
    """Satisfies `Host` with threads that Python's lock does not hold up."""

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings
        self._engine: Engine | None = None

    @property
    def endpoint(self) -> str:
        """Where the engine listens, once it is started."""
        return self._settings.endpoint if self._engine is None else self._engine.endpoint

    async def start(self) -> None:
        """Start it and return once it listens; `EngineFailed` where it can't."""
        try:
            engine = await asyncio.to_thread(self._create)
            engine.start()
        except (ImportError, RuntimeError, ValueError) as error:
            raise EngineFailed(str(error)) from error
        self._engine = engine

    async def watch(self) -> None:
        """Keep it running, until cancelled; threads end with this process alone."""
        await asyncio.Event().wait()

    async def stop(self) -> None:
        """Let running work end and stop it; again: nothing happens."""
        engine, self._engine = self._engine, None
        if engine is not None:
            await asyncio.to_thread(engine.stop)

    def _create(self) -> "Engine":
        # Loaded here and not above: a process without an engine needs no native code.
        from meeting.engine._native import Engine  # noqa: PLC0415

        settings = self._settings
        return Engine(
            str(settings.models),
            str(settings.library),
            settings.endpoint,
            settings.workers,
            settings.queue,
            settings.deadline,
        )
