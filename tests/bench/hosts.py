"""Relays that run, each a process, and how a crowd gets into them."""

import asyncio
import json
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from pathlib import Path
from typing import Protocol
from urllib.parse import urlencode

import aiohttp
import msgspec

from tests.bench.crowd import Crowd, Said, frame
from tests.bench.environment import ROOT, Missing
from tests.bench.switches import Switch
from tests.process import Client, serving

START = 30.0
SETTINGS = {
    "signaling.frames_per_second": "100000",
    "signaling.call_seconds": "30",
    "models.pull": "false",
}
"""What of ours is set, beside limits on requests: one socket sends more here than clients may."""


class Way(msgspec.Struct, frozen=True):
    """How one connection gets in: its address, and what it says first, which is answered."""

    url: str
    hello: str = ""


class Host(Protocol):
    """A relay that runs."""

    process: int

    async def invite(self, crowd: Crowd) -> list[Way]:
        """Make ready for a crowd; how each of its places gets in."""
        ...

    def frame(self, crowd: Crowd, said: Said) -> str:
        """Make the frame by which somebody reaches those who are to get it."""
        ...


class House:
    """`meeting serve` with its users, who are made when a crowd needs them."""

    def __init__(self, process: int, url: str, port: str, http: aiohttp.ClientSession) -> None:
        self.process = process
        self._url = url
        self._port = port.replace("http", "ws", 1)
        self._http = http
        self._users: list[Client] = []

    async def invite(self, crowd: Crowd) -> list[Way]:
        """Make the users and a meeting for each room."""
        while len(self._users) < crowd.users:
            name = f"user{len(self._users)}"
            self._users.append(await Client(self._url, self._http).enter(name))
        host = self._users[0]
        rooms = {name: f"room_{await host.meeting()}" for name in crowd.rooms}
        return [
            Way(
                f"{self._port}/ws?token={self._users[each.user].token}&peer_id={each.peer}",
                json.dumps({"type": "join", "room_id": rooms[each.room]}),
            )
            for each in crowd.places
        ]

    def frame(self, crowd: Crowd, said: Said) -> str:
        """Name the peer, or the user whose sockets all others of the room are."""
        reader = crowd.places[said.readers[0]]
        if len(said.readers) == 1:
            return frame(to_peer_id=reader.peer)
        return frame(to_user_id=self._users[reader.user].user_id)


class Peer:
    """One of the others: who connects is in."""

    def __init__(self, process: int, port: int) -> None:
        self.process = process
        self._port = port

    async def invite(self, crowd: Crowd) -> list[Way]:
        """Say at the connect who it is and, for those who do not read, whom it speaks to."""
        partner = {
            said.sender: crowd.places[said.readers[0]].peer
            for said in crowd.talks
            if len(said.readers) == 1
        }
        return [
            Way(f"ws://127.0.0.1:{self._port}/?" + urlencode(query))
            for at, each in enumerate(crowd.places)
            for query in [
                {"room": each.room, "peer": each.peer}
                | ({"to": partner[at]} if at in partner else {})
            ]
        ]

    def frame(self, crowd: Crowd, said: Said) -> str:
        """Name the peer; without a name it is for all others of the room."""
        if len(said.readers) == 1:
            return frame(to_peer_id=crowd.places[said.readers[0]].peer)
        return frame()


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """Have what is started meanwhile run on one core alone, where there are two or more."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) > 1:
        os.sched_setaffinity(0, {cores[core]})
    try:
        yield
    finally:
        os.sched_setaffinity(0, cores)


@asynccontextmanager
async def hosting(switch: Switch, words: list[str], folder: Path) -> AsyncIterator[Host]:
    """Run a relay on the first core; `Missing` where it does not start."""
    if not switch.script:
        async with AsyncExitStack() as open_:
            with pinned(0):
                settings = {key.replace(".", "__"): value for key, value in SETTINGS.items()}
                server = await open_.enter_async_context(serving(folder, **settings))
            http = await open_.enter_async_context(aiohttp.ClientSession())
            await server.ready()
            yield House(server.process.pid, server.url["http"], server.url["signaling"], http)
        return
    with pinned(0):
        process = await asyncio.create_subprocess_exec(
            *words,
            *([switch.variant] if switch.variant else []),
            env=os.environ | {"PYTHONPATH": str(ROOT)},
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
        )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(START):
            said = await process.stdout.readline()
        if not said:
            raise Missing("it ended before it listened; its last words stand above")
        yield Peer(process.pid, json.loads(said)["port"])
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()
