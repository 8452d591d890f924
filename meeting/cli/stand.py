"""A house for the demo, in this process or split; it disturbs no server, and needs none."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager, contextmanager

import msgspec

from meeting.app.assembly.house import build
from meeting.app.config import Config, Gateway, Mail, Peers, Postgres, Redis
from meeting.app.modules import DOMAINS
from meeting.app.reach import url
from meeting.app.run import House
from meeting.cli.person import Refused
from meeting.transports.listening import hold

LOOPBACK = "127.0.0.1"
replace = msgspec.structs.replace


class Stand(msgspec.Struct, frozen=True):
    """A house that is ready: where clients reach it, and what it is made of."""

    url: str
    parts: Sequence[str]


def private(config: Config, state: str) -> Config:
    """Change the settings so that a house disturbs no server that runs here, and needs none."""
    return replace(
        config,
        state_dir=state,
        only=(),
        debug=False,
        http=replace(config.http, host=LOOPBACK, port=0),
        signaling=replace(config.signaling, port=0),
        ai=replace(config.ai, port=0),
        grpc=replace(config.grpc, host=LOOPBACK, **dict.fromkeys(DOMAINS, 0)),
        engine=replace(config.engine, mode="threads", endpoint=f"tcp://{LOOPBACK}:0"),
        # What it writes and to whom is nobody's business but its own.
        postgres=Postgres(),
        redis=Redis(),
        mail=Mail(),
        peers=Peers(),
        gateway=Gateway(),
    )


@asynccontextmanager
async def here(config: Config) -> AsyncIterator[Stand]:
    """Run a house in this process."""
    house = await build(config)
    await house.start()
    try:
        await _ready(house)
        yield Stand(house.addresses["http"], [module.name for module in house.modules])
    finally:
        await house.stop()


@asynccontextmanager
async def apart(config: Config) -> AsyncIterator[Stand]:
    """Run a house in processes of its own, on ports that nobody has."""
    from meeting.app.supervisor.split import Split
    from meeting.cli.board import Board

    with spread(config) as found, Board(config.log) as board:
        split = Split(found, board)
        try:
            await split.start()
            yield Stand(url(found), split.parts)
        finally:
            await split.stop()


async def _ready(house: House) -> None:
    """Wait until every module runs; the models are on the disk, so it is a matter of seconds."""
    while house.status != "ready":
        for module in house.modules:
            if module.failed.is_set():
                raise Refused(f"{module.name}: {module.reason}")
        await asyncio.sleep(0.1)


@contextmanager
def spread(config: Config) -> Iterator[Config]:
    """Give every part ports that nobody has, and that nobody is given meanwhile."""
    with ExitStack() as stack:

        def free() -> int:
            port: int = stack.enter_context(hold(LOOPBACK)).getsockname()[1]
            return port

        yield replace(
            config,
            http=replace(config.http, port=free()),
            grpc=replace(config.grpc, **{name: free() for name in DOMAINS}),
            **{name: replace(getattr(config, name), port=free()) for name in DOMAINS},
        )
