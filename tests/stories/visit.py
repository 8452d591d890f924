"""What one story sees of a house: people of its own, their requests, and nothing but the wire."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Self, TypeVar

import aiohttp

from tests.process import Client
from tests.stories.house import House
from tests.stories.peer import PATIENCE, Peer

T = TypeVar("T")
PASSWORD = "correct horse"


class Person(Client):
    """A user of the house."""

    async def refused(
        self, method: str, path: str, body: object = None, **headers: str
    ) -> tuple[int, int]:
        """Send a request that must not succeed; its status and code."""
        status, answer = await self.ask(method, path, body, **headers)
        assert status >= 400, (method, path, status, answer)
        assert answer.keys() == {"code", "message", "timestamp", "request_id", "error"}, answer
        return status, answer["code"]

    async def knock(self, **query: str) -> Peer:
        """Open a socket that is in no room yet."""
        url = self.url.replace("http", "ws", 1) + "/ws"
        socket = await self.http.ws_connect(url, params=query or {"token": self.token})
        return Peer(socket)

    async def shut_out(self, **query: str) -> int:
        """Ask for a socket that must not be had; the status."""
        try:
            peer = await self.knock(**query)
        except aiohttp.WSServerHandshakeError as error:
            return error.status
        await peer.socket.close()
        return 101

    async def enters(self, meeting_id: int, peer_id: str = "", **query: str) -> Peer:
        """Open a socket and take a place in the meeting's room."""
        peer = await self.knock(**query)
        await peer.join(meeting_id, **({"peer_id": peer_id} if peer_id else {}))
        return peer

    async def seats(self, meeting_id: int) -> dict[int, str]:
        """Ask how everybody stands to a meeting, by their ids."""
        page = await self.data("GET", f"/meetings/{meeting_id}/participants?page_size=100")
        return {seat["user_id"]: seat["status_name"] for seat in page["list"]}

    async def again(self) -> Self:
        """Log in once more; a person with the new token."""
        other = type(self)(self.url, self.http)
        other.user_id = self.user_id
        return await other.login(self.name)


class Visit:
    """A story's way into a house that others use at the same time."""

    def __init__(self, home: House, http: aiohttp.ClientSession) -> None:
        self.home = home
        self.http = http
        self.url = home.url
        self.ports = [home.at(port) for port in home.ports]
        """The addresses of all HTTP ports."""

    async def person(self, name: str) -> Person:
        """Bring somebody in whom nobody has heard of yet."""
        return await Person(self.url, self.http).enter(f"{name}-{secrets.token_hex(4)}")

    async def again(self) -> None:
        """Have the house, which was asked to end, start again when it has."""
        await asyncio.to_thread(self.home.gone)
        self.home.start()

    async def people(self, *names: str) -> list[Person]:
        """Bring several in."""
        return list(await asyncio.gather(*map(self.person, names)))


async def until(ask: Callable[[], Awaitable[T]], seconds: float = PATIENCE) -> T:
    """Ask again and again until the answer is something, and return it."""
    async with asyncio.timeout(seconds):
        while not (found := await ask()):
            await asyncio.sleep(0.02)
        return found


async def becomes(ask: Callable[[], Awaitable[Any]], wanted: object) -> None:
    """Ask until the answer is the wanted one; what it was instead is shown."""
    found: object = None
    try:
        async with asyncio.timeout(PATIENCE):
            while (found := await ask()) != wanted:
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(found, wanted) from None
