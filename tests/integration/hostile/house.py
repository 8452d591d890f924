"""A real server that the hostile tests share, run from a thread: they need no loop themselves."""

import asyncio
import socket
import threading
from collections.abc import Coroutine, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import aiohttp
from hypothesis import HealthCheck, settings

from tests.integration.hostile.peer import Peer
from tests.process import Client, Server, serving

T = TypeVar("T")

PATIENCE = 60.0
HAIL = settings(
    max_examples=2000,
    deadline=None,  # the server's time, not ours
    database=None,
    derandomize=True,  # a run that fails fails again
    suppress_health_check=[HealthCheck.too_slow],  # a busy machine is no reason to stop
)


class House:
    """One server without models, its users and meetings.

    `alice` hosts `meeting`, which runs, and `over`, which has ended; `hidden` is a private meeting
    of `carol`'s; `bob` belongs to none of them. `dave` is in `meeting`, and may be in no other.
    """

    def __init__(self, state: Path, endpoint: str) -> None:
        self.state = state
        self.endpoint = endpoint
        """The engine's."""
        self.users: dict[str, Client] = {}
        self.meeting = self.over = self.hidden = 0
        self.anchor: Peer
        """Keeps `dave` in the meeting, because no other peer of his is then the last."""
        self._loop = asyncio.new_event_loop()
        self._server: Server | None = None
        self._down: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._loop.run_forever, name="house")
        self._thread.start()

    @property
    def server(self) -> Server:
        """Return the server's process."""
        assert self._server is not None
        return self._server

    def port(self, name: str) -> tuple[str, int]:
        """Return where a port is: http, signaling or ai."""
        host, _, number = self.server.url[name].removeprefix("http://").partition(":")
        return host, int(number)

    def wait(self, work: Coroutine[Any, Any, T]) -> T:
        """Run something on the loop that the server's pipe is read by."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(PATIENCE)

    def token(self, name: str) -> str:
        """Return a user's token."""
        return self.users[name].token

    def renew(self, name: str) -> None:
        """Log a user in again."""
        self.wait(self._again(name))

    def check(self) -> None:
        """Assert that the server lives, and that its log holds no traceback up to this moment."""
        code = self.server.process.returncode
        assert code is None, f"it ended with {code}\n{self.server.log()}"
        assert self.wait(self._echo()) == 200
        assert not (lines := self.server.tracebacks()), lines
        assert not (lines := [one for one in self.server.lines if one.get("level") == "error"]), (
            lines
        )

    async def open(self, models: Path) -> None:
        """Start the server and bring its people in."""
        up = asyncio.Event()
        self._down = asyncio.Event()
        self._running = asyncio.create_task(self._serve(models, up))
        started = asyncio.create_task(up.wait())
        await asyncio.wait({self._running, started}, return_when=asyncio.FIRST_COMPLETED)
        if not up.is_set():
            await self._running
        async with aiohttp.ClientSession() as http:
            for name in ("alice", "bob", "carol", "dave"):
                self.users[name] = await Client(self.server.url["http"], http).enter(name)
            alice, carol = self.users["alice"], self.users["carol"]
            self.meeting = await alice.meeting()
            for member in (alice, self.users["dave"]):
                await member.data("POST", f"/meetings/{self.meeting}/join")
            self.over = await alice.meeting()
            await alice.data("POST", f"/meetings/{self.over}/end")
            self.hidden = await carol.meeting(meeting_type="private")

    async def shut(self) -> int | None:
        """Stop the server; its exit code."""
        assert self._down is not None
        self._down.set()
        await self._running
        return self.server.process.returncode

    def close(self) -> None:
        """End the thread."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _serve(self, models: Path, up: asyncio.Event) -> None:
        quiet = {"signaling__ping_seconds": "3600", "signaling__silence_seconds": "3601"}
        quiet["signaling__grace_seconds"] = "4"  # or a room would hold hundreds of lost peers
        async with serving(
            self.state,
            models__folder=str(models),
            models__pull="false",
            engine__endpoint=self.endpoint,
            **quiet,
        ) as self._server:
            await self._server.ready()
            up.set()
            assert self._down is not None
            await self._down.wait()

    async def _again(self, name: str) -> None:
        async with aiohttp.ClientSession() as http:
            self.users[name] = await Client(self.server.url["http"], http).login(name)

    async def _echo(self) -> int:
        """Send a request and wait until the log has it, and so all that was logged before it."""
        mark = f"echo-{len(self.server.lines)}"
        async with aiohttp.ClientSession() as http, asyncio.timeout(PATIENCE):
            url = self.server.url["http"] + "/schema"  # a probe has no line
            async with http.get(url, headers={"X-Request-ID": mark}) as answer:
                status = answer.status
            while not any(line.get("request_id") == mark for line in self.server.lines):
                await asyncio.sleep(0.01)
        return status


def shout(address: tuple[str, int], data: bytes) -> None:
    """Send bytes to a port and leave at once."""
    with socket.create_connection(address, PATIENCE) as opened:
        opened.sendall(data)


def free() -> str:
    """Return an endpoint that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"tcp://127.0.0.1:{probe.getsockname()[1]}"


@contextmanager
def housed(folder: Path) -> Iterator[House]:
    """Run a house for as long as the tests need it; it has to end as asked."""
    models = folder / "models"
    models.mkdir()
    house = House(folder / "state", free())
    try:
        house.wait(house.open(models))
        with closing(Peer(house.port("http"), house.token("dave"))) as house.anchor:
            house.anchor.join(house.meeting)
            yield house
        code = house.wait(house.shut())
        assert code == 0, f"exit code {code}\n{house.server.log()}"
        assert not house.server.tracebacks(), house.server.log()
    finally:
        house.close()
