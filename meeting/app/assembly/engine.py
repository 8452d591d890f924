"""The engine: its models, where it runs, and the client that speaks to it."""

import asyncio
import math
import os
import threading

import msgspec
import structlog

from meeting.app.config import DAY, Config
from meeting.app.module import Module
from meeting.app.modules import ENGINE
from meeting.engine.elsewhere import ElsewhereHost
from meeting.engine.host import EngineFailed, EngineSettings, Host
from meeting.engine.library import onnxruntime
from meeting.engine.process import ProcessHost
from meeting.engine.thread import ThreadHost
from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault
from meeting.kernel.ids import Ids
from meeting.models import ModelError, StoppedError, manifest, pull
from meeting.transports.zeromq.client import EngineClient

log = structlog.get_logger(__name__)

LOOK_SECONDS = 0.2


class Machine(msgspec.Struct, frozen=True):
    """The engine as the AI domain sees it."""

    module: Module
    client: EngineClient


def make(config: Config, clock: Clock, ids: Ids) -> Machine:
    """Make host and client; models are fetched and the engine started while the house stands."""
    host = _host(config)
    client = EngineClient(
        lambda: host.endpoint, clock=clock, ids=ids, in_flight=config.engine.queue
    )
    running = asyncio.Event()
    stopped = threading.Event()

    async def prepare() -> None:
        if config.models.pull and config.engine.mode != "external":
            await asyncio.to_thread(_pull, config, stopped)
        try:
            await host.start()
        except EngineFailed as error:
            raise EngineFailed(f"{error} (settings: engine.endpoint and its kin)") from error
        running.set()
        await _settled(client)

    async def speak() -> None:
        await running.wait()
        await client.run()

    async def watch() -> None:
        await running.wait()
        await host.watch()

    def lacks() -> str:
        if client.alive:
            return ""
        if not running.is_set():
            return "models are fetched, then the engine starts"
        return f"no engine answers at {host.endpoint}"

    async def stop() -> None:
        stopped.set()
        await host.stop()

    module = Module(
        ENGINE,
        prepare=prepare,
        lacks=lacks,
        background=[speak, watch],
        stop=stop,
        refusals=(EngineFailed,),
    )
    return Machine(module=module, client=client)


def _host(config: Config) -> Host:
    """Choose where the engine runs."""
    if config.engine.mode == "external":
        return ElsewhereHost(config.engine.endpoint)
    settings = EngineSettings(
        models=config.models.cache,
        library=onnxruntime(),
        endpoint=config.engine.endpoint,
        workers=config.engine.workers or os.cpu_count() or 1,
        queue=config.engine.queue,
        deadline=math.ceil(min(patience(config), DAY)),
    )
    return ThreadHost(settings) if config.engine.mode == "threads" else ProcessHost(settings)


def _pull(config: Config, stopped: threading.Event) -> None:
    try:
        pull(
            manifest(config.models.listing), config.models.cache, config.models.source, stop=stopped
        )
    except StoppedError:
        return  # the house was asked to end meanwhile; nothing is amiss
    except ModelError as error:
        # The rest of the house works; the tasks of the missing model answer `unavailable`.
        log.error("models are missing", reason=str(error))  # noqa: TRY400 - the text says all


async def _settled(client: EngineClient) -> None:
    """Wait until every model is ready, or will not be."""
    while True:
        try:
            info = await client.info()
        except Fault:
            await asyncio.sleep(LOOK_SECONDS)
            continue
        if not any(model.status == "loading" for model in info.models):
            break
        await asyncio.sleep(LOOK_SECONDS)
    for model in info.models:
        log.info("model", model=model.id, status=model.status, reason=model.reason)


def patience(config: Config) -> float:
    """Return how long one recognition may take, in seconds."""
    return math.inf if config.debug else config.ai.speech_seconds
