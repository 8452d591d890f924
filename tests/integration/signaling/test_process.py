"""Sockets of a real process: what a logout, a lost socket, a SIGKILL and a SIGTERM do to them."""

import asyncio
import signal
import sqlite3
from contextlib import closing
from pathlib import Path

import aiohttp

from tests.process import Client, serving

SETTINGS = {"engine__mode": "external", "models__pull": "false", "signaling__grace_seconds": "3"}
PATIENCE = 20


async def knocked(client: Client, port: str, query: str) -> aiohttp.ClientWebSocketResponse:
    """Open a socket on one of the ports."""
    return await client.http.ws_connect(port.replace("http", "ws", 1) + "/ws?" + query)


async def told(socket: aiohttp.ClientWebSocketResponse, type_: str) -> dict[str, object]:
    """Read until a frame of a type."""
    async with asyncio.timeout(PATIENCE):  # one over all: pings begin the receiver's own anew
        while True:
            frame: dict[str, object] = await socket.receive_json()
            if frame["type"] == type_:
                return frame


async def answered(socket: aiohttp.ClientWebSocketResponse, meeting_id: int) -> object:
    """Ask for a place; the type of the answer, or the code of the error."""
    await socket.send_json({"type": "join", "room_id": meeting_id})
    async with asyncio.timeout(PATIENCE):
        while True:
            frame = await socket.receive_json()
            if frame["type"] in ("joined", "error"):
                return frame.get("code", frame["type"])


async def ended(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    """Read until the close; its code."""
    async with asyncio.timeout(PATIENCE):
        while not socket.closed:
            await socket.receive()
    return socket.close_code


async def statuses(client: Client, meeting_id: int) -> dict[int, str]:
    """Ask how everybody stands to a meeting."""
    page = await client.data("GET", f"/meetings/{meeting_id}/participants")
    return {seat["user_id"]: seat["status_name"] for seat in page["list"]}


def lose(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Cut a connection without a close."""
    transport = socket._response.connection.transport  # type: ignore[union-attr]
    transport.abort()  # type: ignore[union-attr]


async def test_a_logout_reaches_both_ports_in_five_seconds(tmp_path: Path) -> None:
    """All that came from the token closes 4001, by ticket too; another login's socket stays."""
    async with serving(tmp_path, **SETTINGS) as server, aiohttp.ClientSession() as http:
        ann = await Client(server.url["http"], http).enter("ann")
        again = await Client(server.url["http"], http).login("ann")
        ticket = (await ann.data("POST", "/signaling/ticket"))["ticket"]
        first = await knocked(ann, server.url["http"], f"token={ann.token}")
        second = await knocked(ann, server.url["signaling"], f"ticket={ticket}")
        other = await knocked(again, server.url["signaling"], f"token={again.token}")
        await ann.data("POST", "/auth/logout")
        async with asyncio.timeout(5):
            assert [await ended(first), await ended(second)] == [4001, 4001]
        await other.send_json({"type": "ping"})
        assert (await other.receive_json(timeout=PATIENCE))["type"] == "pong"
        await other.close()


async def test_seats_come_free_and_a_restart_leaves_no_ghosts(tmp_path: Path) -> None:
    """After a loss, and after a SIGKILL, whoever is gone is left; SIGTERM closes 1001."""
    async with aiohttp.ClientSession() as http:
        async with serving(tmp_path, **SETTINGS) as server:
            ann, bob, cid = [
                await Client(server.url["http"], http).enter(name) for name in ("ann", "bob", "cid")
            ]
            meeting = await ann.meeting(max_participants=2)
            host, lost = await ann.socket(meeting), await bob.socket(meeting)
            third = await knocked(cid, server.url["signaling"], f"token={cid.token}")
            assert await answered(third, meeting) == 409
            lose(lost)
            assert (await told(host, "user_left"))["reason"] == "connection_lost"
            async with asyncio.timeout(PATIENCE):
                while await answered(third, meeting) != "joined":
                    await asyncio.sleep(0.1)
            assert (await statuses(ann, meeting))[bob.user_id] == "left"
            await server.kill()
        async with serving(tmp_path, **SETTINGS) as server:
            ann.url = bob.url = server.url["http"]
            async with asyncio.timeout(PATIENCE):
                while set((await statuses(ann, meeting)).values()) != {"left"}:
                    await asyncio.sleep(0.1)
            both = [await ann.socket(meeting), await bob.socket(meeting)]
            server.process.send_signal(signal.SIGTERM)
            assert [await ended(socket) for socket in both] == [1001, 1001]
            assert await server.gone() == 0
            assert server.tracebacks() == []


async def test_a_place_that_ran_out_costs_its_socket(tmp_path: Path) -> None:
    """What a suspended machine finds, or one whose clock was set: 4006, and a way back in."""
    async with serving(tmp_path, **SETTINGS) as server, aiohttp.ClientSession() as http:
        ann, bob = [await Client(server.url["http"], http).enter(name) for name in ("ann", "bob")]
        meeting = await ann.meeting()
        host, guest = await ann.socket(meeting), await bob.socket(meeting)
        with closing(sqlite3.connect(tmp_path / "meeting.db")) as rows, rows:
            rows.execute(
                "UPDATE leases SET expires_at = '2026-01-01 00:00:00.000000' WHERE owner = ?",
                [f"user:{bob.user_id}"],
            )
        assert await ended(guest) == 4006
        assert (await told(host, "user_left"))["reason"] == "connection_lost"
        await (await bob.socket(meeting)).close()
        await host.close()
