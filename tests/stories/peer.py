"""A socket of a user, by aiohttp's WebSocket alone; each frame has the next number."""

import asyncio
from typing import Any

import aiohttp

PATIENCE = 60.0


class Peer:
    """Speaks the v2.0 frames."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket
        self.peer_id = ""
        self.joined: dict[str, Any] = {}
        """What was answered to the join."""
        self._seq = 0

    async def send(self, type_: str, **fields: object) -> None:
        """Send a frame."""
        await self.socket.send_json({"type": type_, **fields})

    async def next(self) -> dict[str, Any]:
        """Return the next frame."""
        message = await self.socket.receive(PATIENCE)
        assert message.type is aiohttp.WSMsgType.TEXT, message
        frame: dict[str, Any] = message.json()
        assert frame["seq"] == self._seq + 1, frame
        self._seq = frame["seq"]
        return frame

    async def until(self, type_: str, **fields: object) -> dict[str, Any]:
        """Return the next frame of a type that says so; others before it are dropped.

        But an error that nobody waits for fails the story at once.
        """
        async with asyncio.timeout(PATIENCE):
            while True:
                frame = await self.next()
                if frame["type"] == type_ and fields.items() <= frame.items():
                    return frame
                assert frame["type"] != "error", frame

    async def join(self, meeting_id: int, **fields: object) -> dict[str, Any]:
        """Take a place in a meeting's room; what was answered."""
        await self.send("join", room_id=f"room_{meeting_id}", **fields)
        self.joined = await self.until("joined")
        self.peer_id = self.joined["peer_id"]
        return self.joined

    async def refused(self, meeting_id: int, **fields: object) -> int:
        """Ask for a place that must not be had; the code of the error."""
        await self.send("join", room_id=f"room_{meeting_id}", **fields)
        code: int = (await self.until("error", request_type="join"))["code"]
        return code

    async def closed(self, within: float = PATIENCE) -> int | None:
        """Read until the server closes; the code."""
        async with asyncio.timeout(within):
            while not self.socket.closed:
                await self.socket.receive()
        return self.socket.close_code

    async def leave(self) -> None:
        """Give the place back, and wait for the close."""
        await self.send("leave")
        code = await self.closed()
        assert code == 1000, code

    def lose(self) -> None:
        """Cut the connection without a close."""
        transport = self.socket._response.connection.transport  # type: ignore[union-attr]
        transport.abort()  # type: ignore[union-attr]
