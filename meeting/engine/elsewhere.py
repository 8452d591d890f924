"""An engine that somebody else runs, on this machine or another: we only know where it listens."""

import asyncio


class ElsewhereHost:
    """Satisfies `Host` without doing anything: its life is not our business."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint

    async def start(self) -> None:
        """Take it that it runs; whether it answers its client finds out."""

    async def watch(self) -> None:
        """Wait until cancelled."""
        await asyncio.Event().wait()

    async def stop(self) -> None:
        """Leave it alone."""
