"""aiohttp on uvloop as a relay, in our own environment: the same release that ours stands on.

`bare` passes text on to who was named at the connect, without a look at it; `reads` parses each
frame, finds its addressee in the room and writes the sender into it. Without an addressee a frame
goes to all others of the room.
"""

import argparse
import asyncio
import json
import sys

import uvloop
from aiohttp import WSMsgType, web

ROOMS: dict[str, dict[str, web.WebSocketResponse]] = {}


async def bare(request: web.Request) -> web.WebSocketResponse:
    """Serve one socket, without reading what it says."""
    room, peer, socket = await _enter(request)
    partner = request.query.get("to", "")
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            await _send(room, peer, partner, message.data)
    del room[peer]
    return socket


async def reads(request: web.Request) -> web.WebSocketResponse:
    """Serve one socket; each frame says to whom it goes."""
    room, peer, socket = await _enter(request)
    async for message in socket:
        if message.type is WSMsgType.TEXT:
            frame = json.loads(message.data)
            frame["from_peer_id"] = peer
            text = json.dumps(frame, separators=(",", ":"))
            await _send(room, peer, frame.get("to_peer_id", ""), text)
    del room[peer]
    return socket


async def _enter(
    request: web.Request,
) -> tuple[dict[str, web.WebSocketResponse], str, web.WebSocketResponse]:
    socket = web.WebSocketResponse()
    await socket.prepare(request)
    room = ROOMS.setdefault(request.query["room"], {})
    peer = request.query["peer"]
    room[peer] = socket
    return room, peer, socket


async def _send(room: dict[str, web.WebSocketResponse], peer: str, partner: str, text: str) -> None:
    if partner:
        await room[partner].send_str(text)
        return
    for other, each in list(room.items()):
        if other != peer:
            await each.send_str(text)


async def main(variant: str) -> None:
    """Listen on any free port, say which, and serve until somebody ends it."""
    app = web.Application()
    app.router.add_get("/", {"bare": bare, "reads": reads}[variant])
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, backlog=512)
    await site.start()
    sys.stdout.write(json.dumps({"port": runner.addresses[0][1]}) + "\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


parser = argparse.ArgumentParser()
parser.add_argument("variant", choices=("bare", "reads"))
uvloop.run(main(parser.parse_args().variant))
