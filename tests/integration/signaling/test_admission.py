"""What is refused before the upgrade, and whatever ends a socket that was let in."""

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from meeting.domains.signaling.model import Limits
from meeting.kernel.call import Call, Caller
from tests.integration.signaling.world import Server, World, world

LATER = 2**33
"""When the token behind a ticket is over, where no test waits for it."""


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("?meeting_id=0", 400),
        ("?meeting_id=1&meeting_id=2", 400),
        ("?meeting_id=4294967295", 400),
        ("?meeting_id=one", 400),
        ("?user_id=-1", 400),
        ("?peer_id=", 400),
        ("?peer_id=a%20b", 400),
        ("?peer_id=" + "a" * 65, 400),
        ("?x=%ff", 400),
        ("?" + "&".join(f"a{number}=1" for number in range(40)), 400),
        ("?user_id=2", 403),
        ("?user_id=1&meeting_id=7&peer_id=tab-1", 101),
        ("", 101),
    ],
)
async def test_a_query_is_read_strictly(house: World, query: str, status: int) -> None:
    """Malformed is 400, another's user_id 403."""
    assert await house.refused(query, Authorization=f"Bearer {house.token(1)}") == status


async def test_a_credential_is_needed(house: World) -> None:
    """No token, a broken one, a wrong kind or a foreign one: 401, also with a malformed query."""
    ticket = house.tokens.ticket(1, "user1", parent="t", until=LATER)
    assert await house.refused() == 401
    assert await house.refused("?meeting_id=x") == 401
    assert await house.refused("?token=abc") == 401
    assert await house.refused(f"?ticket={house.token(1)}") == 401
    assert await house.refused(f"?token={ticket}") == 401
    assert await house.refused(Authorization="Basic abc") == 401
    assert await house.refused(f"?token={house.token(1)}") == 101
    assert await house.refused(f"?access_token={house.token(1)}") == 101


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "Bearer  "])
async def test_a_header_is_read_as_rest_reads_it(house: World, scheme: str) -> None:
    """The scheme is a word in any case."""
    assert await house.refused(Authorization=f"{scheme} {house.token(1)} ") == 101


async def test_a_refusal_is_what_rest_would_say(house: World) -> None:
    """The contract's form, the caller's request id, and nothing that a cache may keep."""
    asked = {"X-Request-ID": "r-7", "Connection": "Upgrade", "Upgrade": "websocket"}
    asked |= {"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    async with house.http.get(house.url, headers=asked) as response:
        body, headers = await response.json(), response.headers
    assert (response.status, body["code"], body["request_id"]) == (401, 10004, "r-7")
    assert headers["X-Request-ID"] == "r-7"
    assert headers["Cache-Control"] == "no-store"
    assert len(headers.getall("Content-Length")) == 1


async def test_pages_of_other_hosts_stay_out(house: World) -> None:
    """An Origin is the own host or configured; none at all is fine."""
    bearer = f"Bearer {house.token(1)}"
    own = house.url.removesuffix("/ws")
    for origin, status in {
        "https://evil.example": 403,
        "null": 403,
        own + ".evil.example": 403,
        own: 101,
        "https://meet.example.org": 101,
    }.items():
        assert await house.refused(Authorization=bearer, Origin=origin) == status, origin


async def test_a_ticket_opens_one_socket(house: World) -> None:
    """Of two that use it at once one gets in, and nobody later."""
    ticket = house.tokens.ticket(1, "user1", parent="t", until=LATER, meeting_id=5)
    both = await asyncio.gather(*(house.refused(f"?ticket={ticket}") for _ in range(2)))
    assert sorted(both) == [101, 401]
    assert await house.refused(f"?ticket={ticket}") == 401


async def test_a_refusal_does_not_spend_the_ticket(house: World) -> None:
    """A ticket that came with a malformed query or for another meeting is still good."""
    ticket = house.tokens.ticket(1, "user1", parent="t", until=LATER, meeting_id=5)
    assert await house.refused(f"?ticket={ticket}&peer_id=a+b") == 400
    assert await house.refused(f"?ticket={ticket}&meeting_id=6") == 403
    assert await house.refused(f"?ticket={ticket}") == 101


async def test_a_ticket_is_bound_to_its_meeting(house: World) -> None:
    """The socket of a ticket for one meeting can't join another."""
    meeting, other = await house.started(), await house.started()
    ticket = house.tokens.ticket(2, "user2", parent="t", until=LATER, meeting_id=meeting.id)
    peer = await house.open(2, f"?ticket={ticket}", Authorization="")
    assert (await peer.join(other.id))["code"] == 403
    assert (await peer.join(meeting.id))["type"] == "joined"


async def test_a_logout_closes_the_sockets_of_its_token(house: World) -> None:
    """One token's end closes what it opened, also by ticket; an end of all closes all."""
    token, claims = house.tokens.access(1, "user1", "")
    ticket = house.tokens.ticket(1, "user1", parent=claims.jti, until=claims.exp)
    first = await house.open(1, Authorization=f"Bearer {token}")
    second = await house.open(1, f"?ticket={ticket}", Authorization="")
    third = await house.open(1)
    await house.revoke(1, claims.jti)
    await house.settle()
    assert [await first.closed(), await second.closed()] == [4001, 4001]
    await third.nothing()
    await house.revoke(1)
    await house.settle()
    assert await third.closed() == 4001


async def test_a_logout_is_seen_within_five_seconds(house: World) -> None:
    """With the background work running nobody has to poll for a revocation."""
    peer = await house.open(1)
    work = [asyncio.create_task(part()) for part in house.signaling.background()]
    await house.revoke(1)
    async with asyncio.timeout(5):
        assert await peer.closed() == 4001
    for task in work:
        task.cancel()
    await asyncio.gather(*work, return_exceptions=True)


async def test_a_token_that_is_over_ends_its_socket(house: World) -> None:
    """Expiry closes 4001; a signalling place is kept like that of any lost socket."""
    meeting = await house.started()
    token = house.token(1)
    house.clock.move(timedelta(hours=24, seconds=-10))
    peer = await house.open(1, Authorization=f"Bearer {token}")
    await peer.join(meeting.id)
    house.signaling.seats.pulse()
    await peer.nothing()
    house.clock.move(timedelta(seconds=11))
    house.signaling.seats.pulse()
    assert await peer.closed() == 4001
    assert await house.closures() == []
    assert len(await house.keys()) == 1


async def test_what_a_ticket_opened_ends_with_the_token_behind_it(house: World) -> None:
    """However late the ticket was asked for, its socket lives no longer than its token."""
    _, claims = house.tokens.access(1, "user1", "")
    house.clock.move(timedelta(hours=24, seconds=-10))
    caller = Caller(user_id=1, username="user1", token_id=claims.jti, token_until=claims.exp)
    ticket = await house.signaling.tickets.issue(Call(caller=caller, request_id="x"))
    peer = await house.open(1, f"?ticket={ticket}", Authorization="")
    house.clock.move(timedelta(seconds=9))
    house.signaling.seats.pulse()
    await peer.nothing()
    house.clock.move(timedelta(seconds=1))
    house.signaling.seats.pulse()
    assert await peer.closed() == 4001


async def test_a_drain_closes_sockets_and_keeps_places(house: World) -> None:
    """1001 for who is there, 503 for who comes; the places live on."""
    meeting = await house.started()
    peer = await house.seated(meeting.id, 2)
    draining = asyncio.create_task(house.signaling.drain())
    assert await peer.closed() == 1001
    await draining
    assert await house.refused(Authorization=f"Bearer {house.token(1)}") == 503
    assert len(await house.keys()) == 1
    assert await house.closures() == []


async def test_sockets_are_bounded(tmp_path: Path, server: Server) -> None:
    """Over the bound of a user or of all it is 429, until one is closed."""
    async with world(tmp_path, server, Limits(sockets=3, sockets_per_user=2)) as house:
        bearer = {user: f"Bearer {house.token(user)}" for user in (1, 2, 3)}
        first, _ = await house.open(1), await house.open(1)
        assert await house.refused(Authorization=bearer[1]) == 429
        await house.open(2)
        assert await house.refused(Authorization=bearer[3]) == 429
        await first.socket.close()
        async with asyncio.timeout(10):
            while len(house.signaling.seats) > 2:
                await asyncio.sleep(0)
        assert await house.refused(Authorization=bearer[3]) == 101
