"""One process from start to end: start in order, be ready, wait, drain, stop in reverse."""

import asyncio
import gc
import signal
from collections.abc import Mapping, Sequence
from typing import Literal

import structlog

from meeting.app.module import Module, State
from meeting.kernel.failpoint import failpoint

log = structlog.get_logger(__name__)


class House:
    """All modules of this process, in start-up order."""

    def __init__(
        self,
        modules: Sequence[Module],
        drain_seconds: float,
        addresses: Mapping[str, str] | None = None,
    ) -> None:
        self.modules = modules
        self.addresses: Mapping[str, str] = {} if addresses is None else addresses
        """Where it listens, by port name; filled when the ports have started."""
        self._drain_seconds = drain_seconds
        self._draining = False

    @property
    def status(self) -> Literal["ready", "starting", "draining", "failed"]:
        """Tell how the house stands as a whole."""
        states = {module.standing[0] for module in self.modules}
        if State.FAILED in states:
            return "failed"
        if self._draining:
            return "draining"
        return "ready" if states == {State.RUNNING} else "starting"

    async def start(self) -> None:
        """Start every module after those that it needs; on failure stop what had started."""
        started = asyncio.get_running_loop().time()
        for index, module in enumerate(self.modules):
            try:
                await module.start()
            except BaseException:
                await self._stop(self.modules[: index + 1])
                raise
            failpoint("during-start")
        seconds = round(asyncio.get_running_loop().time() - started, 2)
        log.info("started", modules=[module.name for module in self.modules], seconds=seconds)

    async def wait(self, stop: asyncio.Event) -> bool:
        """Wait until somebody asks to stop (True) or a module fails (False)."""
        asked = asyncio.create_task(stop.wait())
        failures = [asyncio.create_task(module.failed.wait()) for module in self.modules]
        await asyncio.wait([asked, *failures], return_when=asyncio.FIRST_COMPLETED)
        for task in (asked, *failures):
            task.cancel()
        return not any(module.state is State.FAILED for module in self.modules)

    async def stop(self) -> None:
        """Take no new work, let running work end within the limit, then stop in reverse."""
        self._draining = True
        for module in reversed(self.modules):
            try:
                async with asyncio.timeout(self._drain_seconds):
                    await module.drain()
            except TimeoutError:
                log.warning("drain took too long", module=module.name)
        await self._stop(self.modules)

    async def _stop(self, modules: Sequence[Module]) -> None:
        for module in reversed(modules):
            try:
                await module.stop()
            except Exception:
                # One module that can't stop must not keep the others from stopping.
                log.exception("module did not stop well", module=module.name)


async def run(house: House) -> int:
    """Run the house until SIGTERM or SIGINT; the result is the process's exit code."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await house.start()
    settle()
    well = await house.wait(stop)
    log.info("stopping", well=well)
    await house.stop()
    return 0 if well else 1


def settle() -> None:
    """Keep the garbage collector from looking through what stands for the life of the process.

    That takes 27 ms on an idle core and several times as long on a busy one, under load once a
    second or so, and nobody is answered meanwhile.
    """
    gc.collect()
    gc.freeze()
