"""The load on a relay, the same for all of them: a client for each connection, by picows.

It reads a plan as JSON from its standard input (`tests.bench.relay` makes it), connects everybody,
sends, and prints one line of JSON. How busy it was itself stands in it: where that is near 1, it
was the load that could not go faster.
"""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import picows
import uvloop

from tests.bench.traffic import Lost, Talk, Traffic

TEXT = picows.WSMsgType.TEXT
TOGETHER = 8
"""Connections that are made at a time."""
GREETING = 60.0
"""Seconds for one connection to be let in."""
CALM = 0.3
"""Seconds without a message after which everybody has been told of everybody."""
JOINED, ERROR = b'"type":"joined"', b'"type":"error"'


class Socket(picows.WSListener):  # type: ignore[misc] # has no types in our environment
    """One connection; `told` is called with each text that comes."""

    def __init__(self) -> None:
        self.transport: Any = None
        self.greeted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.told: Callable[[bytes], None] = self._greet
        self.lost: Callable[[], None] = self._refused
        self.came = 0

    def on_ws_connected(self, transport: Any) -> None:
        """Keep what sends."""
        self.transport = transport

    def on_ws_frame(self, transport: Any, frame: Any) -> None:
        """Take in one frame."""
        if frame.msg_type is TEXT:
            self.came += 1
            self.told(frame.get_payload_as_bytes())
        elif frame.msg_type is picows.WSMsgType.CLOSE:
            transport.send_close(picows.WSCloseCode.OK)
            transport.disconnect()

    def on_ws_disconnected(self, _transport: Any) -> None:
        """Tell that it is over."""
        self.lost()

    def send(self, text: bytes) -> None:
        """Send one text."""
        self.transport.send(TEXT, text)

    def _greet(self, text: bytes) -> None:
        if JOINED in text and not self.greeted.done():
            self.greeted.set_result(None)
        elif ERROR in text and not self.greeted.done():
            self.greeted.set_exception(Lost(text[:200].decode()))

    def _refused(self) -> None:
        if not self.greeted.done():
            self.greeted.set_exception(Lost("a connection was closed before it was let in"))


async def connect(plan: dict[str, Any]) -> list[Socket]:
    """Connect everybody and have them let in, where there is somebody who does."""
    few = asyncio.Semaphore(TOGETHER)

    async def one(url: str, hello: str) -> Socket:
        async with few, asyncio.timeout(GREETING):
            _, socket = await picows.ws_connect(Socket, url, websocket_handshake_timeout=None)
            found: Socket = socket
            if hello:
                found.send(hello.encode())
                await found.greeted
            return found

    sockets = await asyncio.gather(*(one(each["url"], each["hello"]) for each in plan["places"]))
    before = -1
    while (count := sum(each.came for each in sockets)) != before:
        before = count
        await asyncio.sleep(CALM)
    return sockets


def arrange(sockets: list[Socket], plan: dict[str, Any]) -> Traffic:
    """Have readers listen to their senders; from now on nothing else may come."""
    talks = []
    for said in plan["talks"]:
        frame = said["frame"].encode()
        talks.append(Talk(sockets[said["sender"]].send, frame, len(said["readers"])))
    traffic = Traffic(talks)

    def stray(text: bytes) -> None:
        traffic.fail(Lost(f"something else came: {text[:200]!r}"))

    def lost() -> None:
        traffic.fail(Lost("a connection was closed"))

    for socket in sockets:
        socket.told, socket.lost = stray, lost
    for talk, said in zip(talks, plan["talks"], strict=True):
        for reader, place in enumerate(said["readers"]):
            sockets[place].told = _hearer(traffic, talk, reader)
    return traffic


def _hearer(traffic: Traffic, talk: Talk, reader: int) -> Callable[[bytes], None]:
    def told(text: bytes) -> None:
        traffic.heard(talk, reader, text)

    return told


def used(process: int) -> float:
    """Return the seconds of processor that a process has had, all of its threads together."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def main(plan: dict[str, Any]) -> dict[str, float]:
    """Carry a plan out."""
    sockets = await connect(plan)
    traffic = arrange(sockets, plan)
    own, theirs, begun = time.process_time(), used(plan["process"]), time.perf_counter()
    rate = await traffic.flood(plan["window"], plan["warm"], plan["seconds"])
    own, theirs = time.process_time() - own, used(plan["process"]) - theirs
    whole = time.perf_counter() - begun
    flooded = traffic.delivered
    late = await traffic.steady(plan["rate"], plan["seconds"])
    taken = sorted(traffic.taken)
    for socket in sockets:
        socket.lost = _nothing
        socket.transport.send_close(picows.WSCloseCode.OK)
    await asyncio.gather(*(each.transport.wait_disconnected() for each in sockets))
    return {
        "rate": rate,
        "cost": 1e6 * theirs / flooded,
        "busy": own / whole,
        "p50": 1000 * taken[len(taken) // 2],
        "p99": 1000 * taken[len(taken) * 99 // 100],
        "late99": 1000 * late,
    }


def _nothing() -> None:
    """Take an end that was asked for."""


try:
    found = uvloop.run(main(json.load(sys.stdin)))
except Lost as error:
    sys.exit(str(error))
sys.stdout.write(json.dumps(found) + "\n")
