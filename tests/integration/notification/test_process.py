"""The whole process: from a login to the frame at each socket of the user, and through a crash."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp

from meeting.domains.user.events import UserLoggedIn
from meeting.kernel.clock import SystemClock
from meeting.kernel.ids import RandomIds
from meeting.stores.relational.database import Database
from meeting.stores.relational.unit import SqlUnit, SqlUnits
from tests.process import EMBEDDED, Client, Server, serving

BARE = {"engine.mode": "external", "models.pull": "false"}
PATIENCE = 20
HOME, AWAY = "127.0.0.1", "198.51.100.7"


class UserUnit(SqlUnit):
    """A unit of the publisher."""

    SOURCE = "user"


async def logged_in(state: Path, user: Client, *addresses: str) -> None:
    """Announce logins from addresses, from another process on the same tables."""
    database = Database.embedded(state)
    try:
        async with SqlUnits(database, UserUnit, SystemClock(), RandomIds()).write() as unit:
            for address in addresses:
                unit.append(
                    UserLoggedIn(
                        user_id=user.user_id,
                        username=user.name,
                        login_time=SystemClock().now(),
                        ip_address=address,
                    )
                )
    finally:
        await database.close()


async def outside(user: Client) -> aiohttp.ClientWebSocketResponse:
    """Open a socket that joins no room."""
    url = user.url.replace("http", "ws", 1) + "/ws"
    return await user.http.ws_connect(url, params={"token": user.token})


async def told(user: Client) -> list[dict[str, Any]]:
    """Return what a user was told of logins, the newest first."""
    found: list[dict[str, Any]] = (await user.data("GET", "/notifications?type=unusual_login"))[
        "list"
    ]
    return found


async def quiet(socket: aiohttp.ClientWebSocketResponse) -> None:
    """Expect no notification: one that was sent would stand before the pong."""
    await socket.send_json({"type": "ping"})
    while (frame := await socket.receive_json(timeout=PATIENCE))["type"] != "pong":
        assert frame["type"] != "notification"


async def test_a_strange_login_reaches_every_socket_of_the_user(tmp_path: Path) -> None:
    """In a room and outside of one, once; others, and later logins from there, bring nothing."""
    settings = {key.replace(".", "__"): value for key, value in BARE.items()}
    async with serving(tmp_path, **settings) as house, aiohttp.ClientSession() as http:
        ann, bob = [await Client(house.url["http"], http).enter(name) for name in ("ann", "bob")]
        meeting = await ann.meeting()
        own = [await ann.socket(meeting), await outside(ann)]
        others = [await bob.socket(meeting), await outside(bob)]
        await logged_in(tmp_path, ann, HOME, "", "somewhere", AWAY)
        frames = []
        for socket in own:
            while (frame := await socket.receive_json(timeout=PATIENCE))["type"] != "notification":
                assert frame["type"] in ("user_joined", "roster")
            frames.append(frame)
        (row,) = await told(ann)
        shown = {name: row[name] for name in ("id", "type", "title", "content", "data")}
        assert [frame["content"] for frame in frames] == [shown] * 2
        assert [sorted(frame) for frame in frames] == [["content", "seq", "type"]] * 2
        await logged_in(tmp_path, ann, AWAY, HOME, "198.51.100.8", "203.0.113.1")
        async with asyncio.timeout(PATIENCE):
            while len(await told(ann)) < 2:
                await asyncio.sleep(0.05)
        for socket in own:
            second = await socket.receive_json(timeout=PATIENCE)
            assert second["content"]["data"]["ip_address"] == "203.0.113.1"
            await quiet(socket)
        for socket in others:
            await quiet(socket)
        assert await told(bob) == []
        assert house.tracebacks() == []
        for socket in (*own, *others):
            await socket.close()


async def test_a_crash_doubles_nothing_in_the_history(tmp_path: Path) -> None:
    """Killed between frame and debt, the entry stands once and what comes later is pushed."""
    async with aiohttp.ClientSession() as http:
        server = Server(tmp_path, settings=EMBEDDED | BARE, failpoint="before-paid:kill")
        await server.start()
        ann = await Client(server.url["http"], http).enter("ann")
        await logged_in(tmp_path, ann, HOME, AWAY)
        async with asyncio.timeout(PATIENCE):
            assert await server.gone() == -9
        settings = {key.replace(".", "__"): value for key, value in BARE.items()}
        async with serving(tmp_path, **settings) as house:
            ann.url = house.url["http"]
            socket = await outside(ann)
            await logged_in(tmp_path, ann, AWAY, "203.0.113.1")
            ids: list[tuple[int, str]] = []
            while not ids or ids[-1][1] != "203.0.113.1":
                frame = await socket.receive_json(timeout=PATIENCE)
                ids.append((frame["content"]["id"], frame["content"]["data"]["ip_address"]))
            rows = [(row["id"], row["data"]["ip_address"]) for row in await told(ann)]
            assert [address for _, address in rows] == ["203.0.113.1", AWAY]
            assert set(ids) <= set(rows)
            assert house.tracebacks() == []
            await socket.close()


async def test_a_login_from_elsewhere_is_noticed(tmp_path: Path) -> None:
    """Registering brings the welcome; whoever logs in from another net is noticed, once."""
    settings = {key.replace(".", "__"): value for key, value in BARE.items()}
    away = aiohttp.TCPConnector(local_addr=("127.0.1.9", 0))
    async with (
        serving(tmp_path, **settings) as house,
        aiohttp.ClientSession() as http,
        aiohttp.ClientSession(connector=away) as elsewhere,
    ):
        ann = await Client(house.url["http"], http).enter("ann")
        socket = await outside(ann)
        for _ in range(2):
            await Client(house.url["http"], elsewhere).login("ann")
        frame = await socket.receive_json(timeout=PATIENCE)
        assert frame["content"]["data"]["ip_address"] == "127.0.1.9"
        await quiet(socket)
        kinds = [row["type"] for row in (await ann.data("GET", "/notifications"))["list"]]
        assert kinds == ["unusual_login", "welcome"]
        assert house.tracebacks() == []
        await socket.close()
