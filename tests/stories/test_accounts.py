"""What people do with their accounts."""

import time
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from tests.process import Client
from tests.stories.visit import PASSWORD, Person, Visit, becomes, until

pytestmark = pytest.mark.story


async def test_a_new_account(house: Visit) -> None:
    """Whoever registers is known by name and by address from then on, and to nobody twice."""
    ann = await house.person("ann")
    by_mail = {"username": f"{ann.name}@example.org", "password": PASSWORD}
    ann.token = (await ann.data("POST", "/auth/login", by_mail))["token"]
    shown = await ann.data("GET", "/users/profile")
    assert (shown["id"], shown["username"], shown["role_name"]) == (ann.user_id, ann.name, "user")
    stranger = Person(house.url, house.http)
    for body, refusal in (
        ({"username": ann.name, "email": "other@example.org"}, (409, 10003)),
        ({"username": f"{ann.name}2", "email": f"{ann.name}@example.org"}, (409, 10003)),
        ({"username": "no", "email": "no@example.org"}, (400, 400)),
    ):
        account = {**body, "password": PASSWORD}
        assert await stranger.refused("POST", "/auth/register", account) == refusal
    for name in (ann.name, f"{ann.name}3"):
        login = {"username": name, "password": "wrong horse"}
        assert await stranger.refused("POST", "/auth/login", login) == (401, 10001)
    assert await stranger.refused("GET", "/users/profile") == (401, 10004)

    async def logins() -> list[str]:
        page = await ann.data("GET", "/users/logins")
        return [row["ip_address"] for row in page["list"]]

    await becomes(logins, ["127.0.0.1"] * 2)


async def test_a_refresh_token_is_good_once(house: Visit) -> None:
    """Each brings the next; one that is used again ends all that came from that login."""
    ann = await house.person("ann")
    login = {"username": ann.name, "password": PASSWORD}
    first = await ann.data("POST", "/auth/login", login)
    second = await ann.data("POST", "/auth/refresh", {"refresh_token": first["refresh_token"]})
    other, ann.token = ann.token, second["token"]
    socket = await ann.knock()
    await ann.data("GET", "/users/profile")
    body = {"refresh_token": first["refresh_token"]}
    assert (await ann.refused("POST", "/auth/refresh", body))[0] == 401
    assert await socket.closed(within=5) == 4001
    body = {"refresh_token": second["refresh_token"]}
    assert (await ann.refused("POST", "/auth/refresh", body))[0] == 401
    assert (await ann.refused("GET", "/users/profile"))[0] == 401
    ann.token = other
    await ann.data("GET", "/users/profile")


async def test_a_logout_reaches_everything(house: Visit) -> None:
    """In five seconds no route, no ticket and no socket takes the token; another login stays."""
    ann, bob = await house.people("ann", "bob")
    meeting = await bob.meeting()
    again = await ann.again()
    ticket = (await ann.data("POST", "/signaling/ticket"))["ticket"]
    unused = (await ann.data("POST", "/signaling/ticket"))["ticket"]
    sockets = [await ann.enters(meeting), await ann.knock(ticket=ticket)]
    other = await again.enters(meeting)
    await ann.data("POST", "/auth/logout")
    assert [await socket.closed(within=5) for socket in sockets] == [4001, 4001]
    for method, path in (
        ("GET", "/users/profile"),
        ("GET", f"/meetings/{meeting}"),
        ("GET", "/notifications"),
        ("POST", "/signaling/ticket"),
        ("GET", f"/ai/analysis/{meeting}"),
    ):
        assert await ann.refused(method, path) == (401, 10004), path
    assert await ann.shut_out() == await ann.shut_out(ticket=unused) == 401
    await other.send("ping")
    await other.until("pong")
    await again.data("GET", "/users/profile")


async def test_a_nickname_is_shown_to_others(
    house: Visit, record_property: Callable[[str, object], None]
) -> None:
    """A changed nickname comes through task and event into the list of those who take part."""
    host, guest = await house.people("ann", "bob")
    meeting = await host.meeting()
    await guest.data("POST", f"/meetings/{meeting}/join")
    began = time.monotonic()
    changed = await guest.data("PUT", "/users/profile", {"nickname": "Bob 王"})
    assert changed["nickname"] == "Bob 王"

    async def shown() -> bool:
        page = await host.data("GET", f"/meetings/{meeting}/participants")
        return "Bob 王" in {row["full_name"] for row in page["list"]}

    await until(shown)
    record_property("seconds until a nickname is shown", round(time.monotonic() - began, 2))
    assert (await guest.data("GET", "/users/profile"))["nickname"] == "Bob 王"


async def test_a_login_from_elsewhere_is_told(house: Visit) -> None:
    """A login from a net that is new is a frame at open sockets and an entry, which can be read."""
    ann, bob = await house.people("ann", "bob")

    async def kinds(of: Person = ann) -> list[str]:
        return [row["type"] for row in (await of.data("GET", "/notifications"))["list"]]

    await becomes(kinds, ["welcome"])
    meeting = await bob.meeting()
    sockets = [await ann.knock(), await ann.enters(meeting)]
    away = aiohttp.TCPConnector(local_addr=("127.0.1.9", 0))
    async with aiohttp.ClientSession(connector=away) as elsewhere:
        for _ in range(2):
            await Client(house.url, elsewhere).login(ann.name)
    told: list[Any] = [(await socket.until("notification"))["content"] for socket in sockets]
    assert told[0] == told[1]
    assert told[0]["data"]["ip_address"] == "127.0.1.9"

    async def logins() -> set[str]:
        page = await ann.data("GET", "/users/logins")
        return {row["ip_address"] for row in page["list"]} if page["total"] == 3 else set()

    await becomes(logins, {"127.0.0.1", "127.0.1.9"})
    assert await kinds() == ["unusual_login", "welcome"]
    read = await ann.data("POST", f"/notifications/{told[0]['id']}/read")
    assert (read["id"], read["read"]) == (told[0]["id"], True)
    newest = (await ann.data("GET", "/notifications?type=unusual_login"))["list"][0]
    assert newest == read
    path = f"/notifications/{told[0]['id']}/read"
    assert (await bob.refused("POST", path))[0] == 404
    assert await kinds(bob) == ["welcome"]
