"""Somebody who takes part in the demo: an ordinary client over HTTP and WebSocket."""

import asyncio
from types import TracebackType
from typing import Any, Self

import aiohttp


class Refused(Exception):
    """The server answered with an error; the text is its own."""


class Person:
    """One user with an account of their own, a token, and perhaps a socket."""

    def __init__(self, url: str, name: str) -> None:
        self.name = name
        self.user_id = 0
        self._url = url
        self._token = ""
        self._http = aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=600))
        self._socket: aiohttp.ClientWebSocketResponse | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._socket is not None:
            await self._socket.close()
        await self._http.close()

    async def call(self, method: str, path: str, body: object = None) -> Any:
        """Ask the REST API; the data of the answer, or `Refused`."""
        headers = {"Authorization": f"Bearer {self._token}"} if self._token else {}
        async with self._http.request(
            method, f"{self._url}/api/v1{path}", json=body, headers=headers
        ) as response:
            answer = await response.json()
            if not response.ok:
                raise Refused(f"{method} {path}: {answer['code']} {answer['message']}")
            return answer["data"]

    async def enter(self, password: str) -> None:
        """Register and log in."""
        account = {
            "username": self.name,
            "email": f"{self.name}@example.org",
            "password": password,
        }
        self.user_id = (await self.call("POST", "/auth/register", account))["user"]["id"]
        login = {"username": self.name, "password": password}
        self._token = (await self.call("POST", "/auth/login", login))["token"]

    async def join(self, meeting_id: int) -> dict[str, Any]:
        """Join a meeting by REST, then its room by WebSocket with the ticket; the roster."""
        seat = await self.call("POST", f"/meetings/{meeting_id}/join", {})
        address = self._url.replace("http", "ws", 1) + "/ws"
        self._socket = await self._http.ws_connect(address, params={"ticket": seat["token"]})
        await self.send("join", room_id=seat["room_id"], user_id=self.user_id, username=self.name)
        return await self.hear("joined")

    async def send(self, type_: str, **fields: object) -> None:
        """Send a frame."""
        if self._socket is None:
            msg = "join first"
            raise RuntimeError(msg)
        await self._socket.send_json({"type": type_, **fields})

    async def hear(self, type_: str) -> dict[str, Any]:
        """Return the next frame of that type; others are passed over, an error is `Refused`."""
        if self._socket is None:
            msg = "join first"
            raise RuntimeError(msg)
        async with asyncio.timeout(20):
            while True:
                frame: dict[str, Any] = await self._socket.receive_json()
                if frame["type"] == type_:
                    return frame
                if frame["type"] == "error":
                    raise Refused(f"{frame['code']} {frame['message']}")
