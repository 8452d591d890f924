"""picows on uvloop as a bare relay: the fastest that we know, which shows what the load can drive.

It passes bytes on to who was named at the connect; without a name, to all others of the room.
"""

import asyncio
import json
import sys
from typing import Any

import picows
import uvloop

TEXT = picows.WSMsgType.TEXT
ROOMS: dict[str, dict[str, Any]] = {}


class Socket(picows.WSListener):  # type: ignore[misc] # has no types in our environment
    """One connection."""

    def __init__(self, query: dict[str, str]) -> None:
        self._room = ROOMS.setdefault(query["room"], {})
        self._peer = query["peer"]
        self._partner = query.get("to", "")

    def on_ws_connected(self, transport: Any) -> None:
        """Take the place."""
        self._room[self._peer] = transport

    def on_ws_disconnected(self, _transport: Any) -> None:
        """Give the place back."""
        del self._room[self._peer]

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        """Pass one frame on."""
        if frame.msg_type is picows.WSMsgType.CLOSE:
            transport.send_close(picows.WSCloseCode.OK)
            transport.disconnect()
        elif frame.msg_type is TEXT:
            text = frame.get_payload_as_bytes()
            if self._partner:
                self._room[self._partner].send(TEXT, text)
                return
            for other, each in self._room.items():
                if other != self._peer:
                    each.send(TEXT, text)


def _listener(request: Any) -> Socket:
    query = request.path.decode().partition("?")[2]
    return Socket(dict(each.split("=", 1) for each in query.split("&")))


async def main() -> None:
    """Listen on any free port, say which, and serve until somebody ends it."""
    server = await picows.ws_create_server(_listener, "127.0.0.1", 0, backlog=512)
    sys.stdout.write(json.dumps({"port": server.sockets[0].getsockname()[1]}) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


uvloop.run(main())
