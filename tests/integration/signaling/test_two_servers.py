"""One room on two real processes, one of which is killed: who was there is there again soon."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from meeting.stores.relational import migrate
from meeting.stores.relational.database import Database
from tests.postgres import Postgres
from tests.process import Client, serving
from tests.redis import Redis

USERS = 4
PEERS = 20
GONE = 2
"""Clients that never come back, all that their user has."""
PATIENCE = 20
BACK_SECONDS = 5
GRACE = 3
LEASE_SECONDS = GRACE + 5 + 3
"""The longest life of a place without a process: grace, a renewal, and a sweep with some air."""


class Watcher:
    """A client in the room, and who is there as far as it was told; each change is checked."""

    def __init__(self, client: Client, meeting_id: int, number: int) -> None:
        self.peer_id = f"{client.name}_{number}"
        self.view: set[str] = set()
        self.offers: list[str] = []
        self._client = client
        self._meeting_id = meeting_id
        self._version = 0
        self._changed = asyncio.Event()

    async def enter(self, url: str) -> None:
        """Connect and join."""
        self._socket = await self._client.http.ws_connect(
            url.replace("http", "ws", 1) + "/ws", params={"token": self._client.token}
        )
        await self._socket.send_json(
            {"type": "join", "room_id": self._meeting_id, "peer_id": self.peer_id}
        )
        joined = await self._socket.receive_json(timeout=PATIENCE)
        assert joined["type"] == "joined", joined
        self.view = {each["peer_id"] for each in joined["participants"]}
        self._version = joined["version"]
        self.reader = asyncio.create_task(self._read())

    async def sees(self, peers: set[str], seconds: float = PATIENCE) -> None:
        """Wait until it was told of these and no others."""
        async with asyncio.timeout(seconds):
            while self.view != peers:
                self._changed.clear()
                waits = asyncio.create_task(self._changed.wait())
                await asyncio.wait({waits, self.reader}, return_when=asyncio.FIRST_COMPLETED)
                waits.cancel()
                if self.reader.done():
                    self.reader.result()
                    raise AssertionError(f"{self.peer_id} was closed: {self._socket.close_code}")

    async def offer(self, other: "Watcher") -> None:
        """Send an offer, and wait until it has arrived."""
        offer = {"type": "offer", "to_peer_id": other.peer_id, "sdp": self.peer_id}
        await self._socket.send_json(offer)
        async with asyncio.timeout(PATIENCE):
            while self.peer_id not in other.offers:
                other._changed.clear()
                await other._changed.wait()

    async def close(self) -> None:
        """End without a goodbye."""
        self.reader.cancel()
        await asyncio.gather(self.reader, return_exceptions=True)
        await self._socket.close()

    async def _read(self) -> None:
        while True:
            message = await self._socket.receive()
            if message.type is not aiohttp.WSMsgType.TEXT:
                return
            self._hear(message.json())
            self._changed.set()

    def _hear(self, frame: dict[str, Any]) -> None:
        match frame["type"]:
            case "user_joined" if "peer_id" in frame:
                assert frame["peer_id"] not in self.view, f"{frame} came twice"
                self.view.add(frame["peer_id"])
            case "user_left" if "peer_id" in frame:
                assert frame["peer_id"] in self.view, f"{frame} went twice"
                self.view.remove(frame["peer_id"])
            case "user_joined" | "user_left":
                raise AssertionError(f"{frame} tells of a seat without a peer")
            case "roster":
                assert frame["version"] == self._version + 1, "a version is missing"
                self._version = frame["version"]
            case "offer":
                self.offers.append(frame["sdp"])
            case other:
                raise AssertionError(f"{other} is not expected: {frame}")


async def all_see(watchers: Sequence[Watcher], seconds: float = PATIENCE) -> None:
    """Wait until all have been told of each other, and of nobody else."""
    peers = {watcher.peer_id for watcher in watchers}
    await asyncio.gather(*(watcher.sees(peers, seconds) for watcher in watchers))


async def gone_from(host: Client, meeting_id: int) -> set[str]:
    """Ask who has left a meeting."""
    page = await host.data("GET", f"/meetings/{meeting_id}/participants")
    return {each["username"] for each in page["list"] if each["status_name"] == "left"}


@pytest.mark.apart
@pytest.mark.long
async def test_a_process_that_is_killed(tmp_path: Path, cluster: Postgres, redis: Redis) -> None:
    """Its clients are back on the other within 5 s; no ghost outlives its lease, none is double."""
    dsn = cluster.database()
    database = Database(dsn)
    await migrate.upgrade(database)
    await database.close()
    settings = {
        "engine__mode": "external",
        "models__pull": "false",
        "auth__secret": "s" * 40,
        "postgres__dsn": dsn,
        "redis__url": redis.url(),
        "signaling__grace_seconds": str(GRACE),
        "signaling__call_seconds": "10",
        "grpc__call_seconds": "10",
    }
    async with (
        serving(tmp_path / "one", **settings) as one,
        serving(tmp_path / "two", **settings) as two,
        aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0)) as http,
    ):
        servers = one.url["signaling"], two.url["signaling"]
        names = [f"user{number}" for number in range(USERS)]
        users = [await Client(one.url["http"], http).enter(name) for name in names]
        lost = await Client(one.url["http"], http).enter("lost")
        meeting = await users[0].meeting()
        clients = [users[number % USERS] for number in range(PEERS - GONE)] + [lost] * GONE
        watchers = [Watcher(client, meeting, number) for number, client in enumerate(clients)]
        stay, lose = watchers[: PEERS // 2], watchers[PEERS // 2 :]
        await asyncio.gather(*(each.enter(servers[each in lose]) for each in watchers))
        await all_see(watchers)
        await asyncio.gather(stay[0].offer(lose[0]), lose[1].offer(stay[1]))

        await two.kill()
        back = lose[:-GONE]
        async with asyncio.timeout(BACK_SECONDS):
            await asyncio.gather(*(each.reader for each in lose))
            await asyncio.gather(*(each.enter(servers[0]) for each in back))
            await asyncio.gather(back[0].offer(stay[2]), stay[3].offer(back[1]))
        await all_see([*stay, *back], LEASE_SECONDS)
        async with asyncio.timeout(PATIENCE):
            while await gone_from(users[0], meeting) != {"lost"}:
                await asyncio.sleep(0.1)
        for each in (*stay, *back):
            await each.close()
        assert one.tracebacks() == []
