"""Joining, leaving, inviting and reading along, as a client sees it."""

import asyncio

from meeting.kernel.token import ACCESS_LIFE
from tests.integration.meeting.house import House

JOIN = {
    "meeting",
    "participant",
    "meeting_id",
    "room_id",
    "participant_id",
    "role",
    "role_name",
    "websocket_url",
    "ice_servers",
    "session_token",
    "token",
    "sfu_node",
}
PARTICIPANT = {
    "id",
    "user_id",
    "username",
    "full_name",
    "role",
    "role_name",
    "status",
    "status_name",
    "online",
    "joined_at",
    "left_at",
}


async def test_a_join_gives_a_seat_and_the_way_in(house: House) -> None:
    """The contract's fields; a repeated join gives the same seat and a fresh ticket."""
    alice, bob = await house.person("alice"), await house.person("bob")
    meeting = await house.meeting(alice)
    first = await bob.post(f"/meetings/{meeting}/join", {})
    again = await bob.post(f"/meetings/{meeting}/join")
    data = first.data
    assert first.status == again.status == 200
    assert set(data) == JOIN
    assert set(data["participant"]) == PARTICIPANT
    assert (
        data
        | {
            "meeting_id": meeting,
            "room_id": f"room_{meeting}",
            "participant_id": data["participant"]["id"],
            "role": 1,
            "role_name": "participant",
            "websocket_url": house.url.replace("http", "ws", 1) + "/ws",
            "ice_servers": [{"urls": ["stun:127.0.0.1:3478"]}],
            "session_token": data["token"],
            "sfu_node": "",
        }
        == data
    )
    assert data["participant"]["full_name"] == "Bob Doe"
    assert data["participant"]["status_name"] == "joined"
    assert data["meeting"]["participant_count"] == 1
    assert again.data["participant_id"] == data["participant_id"]
    assert again.data["token"] != data["token"]
    # What it opens is to end with the token behind it, which was given out just now.
    assert (
        house.tokens.open(data["token"], "ticket").until
        == (house.clock.now() + ACCESS_LIFE).timestamp()
    )


async def test_the_third_is_refused_at_capacity_two(house: House) -> None:
    """The host counts; a seat that comes free is given to the next."""
    alice, bob, carol = [await house.person(name) for name in ("alice", "bob", "carol")]
    meeting = await house.meeting(alice, max_participants=2)
    assert (await alice.post(f"/meetings/{meeting}/join")).data["role_name"] == "host"
    assert (await bob.post(f"/meetings/{meeting}/join")).status == 200
    assert (await carol.post(f"/meetings/{meeting}/join")).error == (409, 20003)
    left = (await bob.post(f"/meetings/{meeting}/leave")).data
    assert left["participant_count"] == 1
    assert (await carol.post(f"/meetings/{meeting}/join")).status == 200
    assert (await bob.post(f"/meetings/{meeting}/join")).error == (409, 20003)


async def test_of_twenty_at_once_three_get_the_three_seats(house: House) -> None:
    """Over the wire, too, no more are let in than there are seats."""
    alice = await house.person("alice")
    meeting = await house.meeting(alice, max_participants=3)
    guests = [await house.person(f"guest{n}") for n in range(20)]
    answers = await asyncio.gather(*(one.post(f"/meetings/{meeting}/join") for one in guests))
    statuses = sorted(answer.status for answer in answers)
    assert statuses == [200] * 3 + [409] * 17
    assert (await alice.get(f"/meetings/{meeting}")).data["participant_count"] == 3


async def test_a_private_meeting_does_not_exist_for_strangers(house: House) -> None:
    """404 as for an unknown number, on every route, and in no list; the invited get in."""
    alice, bob, carol = [await house.person(name) for name in ("alice", "bob", "carol")]
    meeting = await house.meeting(alice, meeting_type="private")
    path = f"/meetings/{meeting}"
    for answer in (
        await carol.get(path),
        await carol.post(f"{path}/start"),
        await carol.post(f"{path}/end"),
        await carol.post(f"{path}/join"),
        await carol.post(f"{path}/leave"),
        await carol.get(f"{path}/participants"),
        await carol.post(f"{path}/participants", {"user_id": carol.id}),
        await carol.get(f"{path}/transcript"),
        await carol.get(f"{path}/analysis"),
    ):
        assert answer.error == (404, 20001)
    assert (await carol.get("/meetings")).data["total"] == 0
    invited = await alice.post(f"{path}/participants", {"user_id": bob.id, "role": "presenter"})
    assert invited.status == 201
    assert invited.data | {"role": 3, "status_name": "invited", "username": "bob"} == invited.data
    assert (await bob.get("/meetings")).data["total"] == 1
    assert (await bob.post(f"{path}/join")).data["role_name"] == "presenter"


async def test_a_non_member_reads_nothing_of_a_public_meeting(house: House) -> None:
    """The meeting is public, its people and words are not; who joined or was invited reads."""
    alice, bob, carol = [await house.person(name) for name in ("alice", "bob", "carol")]
    meeting = await house.meeting(alice)
    await bob.post(f"/meetings/{meeting}/join")
    await bob.post(f"/meetings/{meeting}/leave")
    for what in ("participants", "transcript", "analysis"):
        assert (await carol.get(f"/meetings/{meeting}/{what}")).error == (403, 403)
        assert (await bob.get(f"/meetings/{meeting}/{what}")).status == 200
    assert (await carol.get(f"/meetings/{meeting}")).status == 200
    invite = await bob.post(f"/meetings/{meeting}/participants", {"user_id": carol.id})
    assert invite.error == (403, 403)


async def test_the_password_is_asked_for(house: House) -> None:
    """403 20004 without it and with a wrong one; who was in comes back without."""
    alice, bob = await house.person("alice"), await house.person("bob")
    meeting = await house.meeting(alice, password="open sesame")
    join = f"/meetings/{meeting}/join"
    for body in (None, {}, {"password": ""}, {"password": "Open sesame"}):
        assert (await bob.post(join, body)).error == (403, 20004)
    assert (await bob.post(join, {"password": "x" * 51})).error == (400, 400)
    assert (await bob.post(join, {"password": "open sesame"})).status == 200
    await bob.post(f"/meetings/{meeting}/leave")
    assert (await bob.post(join)).status == 200
    assert (await alice.post(join)).status == 200


async def test_the_stored_password_is_argon2id(house: House) -> None:
    """What the store keeps shows at least 19 MiB and 2 passes, and not the password."""
    alice = await house.person("alice")
    await house.meeting(alice, password="open sesame")
    async with house.database.read() as connection:
        rows = await connection.exec_driver_sql("SELECT password_hash FROM meetings")
        stored = str(rows.scalar())
    _, kind, _, costs, _, _ = stored.split("$")
    cost = dict(part.split("=") for part in costs.split(","))
    assert (kind, int(cost["m"]) >= 19 * 1024, int(cost["t"]) >= 2) == ("argon2id", True, True)
    assert "sesame" not in stored


async def test_who_needs_approval_waits(house: House) -> None:
    """202 and no ticket, however often; only moderators see who waits."""
    alice, bob = await house.person("alice"), await house.person("bob")
    meeting = await house.meeting(alice, settings={"require_approval": True})
    for _ in range(2):
        waiting = await bob.post(f"/meetings/{meeting}/join")
        assert (waiting.status, waiting.body["code"]) == (202, 202)
        assert waiting.data == {"status": "waiting"}
    assert (await bob.get(f"/meetings/{meeting}/participants")).error == (403, 403)
    seen = (await alice.get(f"/meetings/{meeting}/participants")).data
    assert [(row["username"], row["status_name"]) for row in seen["list"]] == [
        ("alice", "invited"),
        ("bob", "waiting"),
    ]


async def test_before_the_start_only_the_host_is_let_in(house: House) -> None:
    """A guest hears that the meeting has not started."""
    alice, bob = await house.person("alice"), await house.person("bob")
    meeting = await house.meeting(alice, started=False)
    assert (await bob.post(f"/meetings/{meeting}/join")).error == (409, 20005)
    assert (await alice.post(f"/meetings/{meeting}/join")).status == 200


async def test_an_invitation_is_checked(house: House) -> None:
    """Who is in the list is 409, who is no user 404, a role that can't be given 400."""
    alice, bob = await house.person("alice"), await house.person("bob")
    meeting = await house.meeting(alice)
    path = f"/meetings/{meeting}/participants"
    assert (await alice.post(path, {"user_id": bob.id, "role": 2})).status == 201
    assert (await alice.post(path, {"user_id": bob.id})).error == (409, 10003)
    assert (await alice.post(path, {"user_id": 999})).error == (404, 10002)
    for wrong in ({"user_id": 0}, {"user_id": 2**40}, {"user_id": bob.id, "role": "host"}, {}):
        assert (await alice.post(path, wrong)).error == (400, 400), wrong
    assert (await bob.post(path, {"user_id": alice.id})).error == (409, 10003)
