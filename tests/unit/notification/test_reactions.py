"""What users are told of the user domain's events."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from meeting.domains.notification.model import KNOWN
from meeting.domains.notification.reactions import CONTENT, TITLE, WELCOME, begin, watch
from meeting.domains.user.events import TOPIC, UserLoggedIn, UserRegistered
from meeting.kernel.message import Entry, Message, Raced
from meeting.kernel.page import Page
from meeting.stores.relational.notification import nets
from meeting.stores.relational.outbox import extend
from meeting.stores.relational.parked import parked
from meeting.text.zh import ZH
from tests.unit.notification.world import ANN, BOB, NAME, World, as_user

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
EVENT = UserLoggedIn(user_id=ANN, username="ann", login_time=NOON, ip_address="198.51.100.7")
ACCOUNT = UserRegistered(user_id=ANN, username="ann", email="ann@example.org", registered_at=NOON)


async def test_a_history_begins_with_a_welcome(world: World) -> None:
    """An account that was made is told so once, however often it is announced, without a push."""
    await world.registered()
    await world.registered()
    await world.registered(BOB)
    assert await world.told() == ["welcome"]
    assert await world.told(BOB) == ["welcome"]
    await world.pusher.step()
    assert world.sockets.told == []


async def test_a_login_from_a_new_net_is_told_once(world: World) -> None:
    """The first net is a matter of course, a new one is told of, and from then on it is known."""
    await world.logged_in("192.0.2.1", "192.0.2.200", "198.51.100.7", "198.51.100.8", "192.0.2.1")
    assert await world.told() == ["unusual_login"]
    await world.logged_in("203.0.113.1", "198.51.100.9")
    assert await world.told() == ["unusual_login", "unusual_login"]
    while await world.pusher.step():
        pass
    addresses = [content["data"]["ip_address"] for _, content in world.sockets.told]
    assert addresses == ["198.51.100.7", "203.0.113.1"]
    assert {tuple(users) for users, _ in world.sockets.told} == {(ANN,)}
    assert world.stirs == 2


async def test_ipv6_counts_by_48_bits(world: World) -> None:
    """Addresses of one site are one place; an IPv4 address written as IPv6 is one of IPv4."""
    await world.logged_in("2001:db8:1:2::3", "2001:db8:1:ffff::1", "2001:db8:1::5%eth0")
    assert await world.told() == []
    await world.logged_in("2001:db8:2::1", "2001:DB8:0002::2")
    assert await world.told() == ["unusual_login"]
    await world.logged_in("192.0.2.1", "::ffff:192.0.2.9")
    assert await world.told() == ["unusual_login"] * 2


async def test_nets_are_each_user_s_own(world: World) -> None:
    """Where one logs in from says nothing about another."""
    await world.logged_in("192.0.2.1")
    await world.logged_in("198.51.100.7", user_id=BOB)
    await world.logged_in("192.0.2.1", user_id=BOB)
    assert (await world.told(ANN), await world.told(BOB)) == ([], ["unusual_login"])


@pytest.mark.parametrize("address", ["", "unknown", "192.0.2", "1" * 4000, "::1\n", "192.0.2.1:80"])
async def test_what_is_no_address_tells_nothing(world: World, address: str) -> None:
    """A login whose address is none of any kind is passed over; the topic goes on."""
    await world.logged_in("192.0.2.1", address, "192.0.2.2", "198.51.100.7")
    assert await world.told() == ["unusual_login"]
    assert await count(world, parked) == 0


@pytest.mark.parametrize(
    "payload",
    [
        {},
        {"user_id": 2**70, "username": "x", "login_time": "2026-01-01", "ip_address": "192.0.2.1"},
        {
            "user_id": 2**63,
            "username": "x",
            "login_time": "2026-01-01T00:00:00Z",
            "email": "",
            "registered_at": "2026-01-01T00:00:00Z",
            "ip_address": "192.0.2.1",
        },
        {
            "user_id": 0,
            "username": "x",
            "login_time": "0001-01-01T00:00:00+14:00",
            "ip_address": "192.0.2.1",
        },
        {
            "user_id": ANN,
            "username": "\x00",
            "login_time": "9999-12-31T23:59:59-14:00",
            "ip_address": "203.0.113.77",
        },
    ],
)
async def test_foreign_events_hold_nothing_up(world: World, payload: dict[str, Any]) -> None:
    """Whatever a stranger publishes, the events behind it are handled, and at once."""
    await world.logged_in("192.0.2.1")
    for type_ in ("user.logged_in", "user.registered"):
        foreign = Message(
            type=type_,
            payload=payload,
            at=world.clock.now(),
            source="",
            message_id=world.ids.new(),
            kind="foreign",
            topic="user_events",
        )
        async with world.database.write() as connection:
            await extend(connection, [foreign])
    await world.logged_in("198.51.100.7")
    assert (await world.told())[0] == "unusual_login"
    assert world.pauses == []


async def test_entry_and_cursor_are_one_commit(world: World) -> None:
    """Where the cursor was moved by somebody else, nothing is told and nothing remembered."""
    await world.logged_in("192.0.2.1")
    stale = Entry(
        consumer=NAME,
        topic=TOPIC,
        before="77",
        after="78",
        message=Message.of(EVENT, "user", world.clock, world.ids),
    )
    with pytest.raises(Raced):
        async with world.units.write() as unit:
            await watch(unit, EVENT, stale)
            await begin(unit, ACCOUNT, stale)
            await unit.advance(stale)
    assert await world.told() == []
    await world.logged_in("198.51.100.7")
    assert await world.told() == ["unusual_login"]


async def test_few_nets_are_kept(world: World) -> None:
    """Of a user who is everywhere, the nets used last are remembered and no others."""
    for number in range(KNOWN + 5):
        async with world.units.write() as unit:
            await unit.remember(ANN, f"10.0.{number}.0/24")
        world.clock.move(timedelta(seconds=1))
    assert await count(world, nets) == KNOWN
    async with world.units.read() as unit:
        kept = await unit.nets(ANN)
    assert "10.0.4.0/24" not in kept
    assert {"10.0.5.0/24", "10.0.104.0/24"} <= set(kept)


async def test_the_words_are_there_in_both_languages(world: World) -> None:
    """What users are told is in the catalog; what is stored is its template and what fills it."""
    for template in (WELCOME.title, WELCOME.content, TITLE, CONTENT):
        assert template in ZH
    await world.logged_in("192.0.2.1", "198.51.100.7")
    found = await world.history.list(as_user(ANN), type_="", page=Page())
    (row,) = found.rows
    assert (row.content, row.filling) == (CONTENT, {"ip_address": "198.51.100.7"})


async def count(world: World, table: Any) -> int:
    """Count the rows of a table."""
    async with world.database.read() as connection:
        return await connection.scalar(select(func.count()).select_from(table)) or 0
