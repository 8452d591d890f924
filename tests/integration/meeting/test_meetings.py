"""Creating, listing, starting and ending meetings, as a client sees it."""

import asyncio
from datetime import timedelta
from typing import Any

from tests.integration.meeting.house import House

MEETING = {
    "id",
    "title",
    "description",
    "creator_id",
    "start_time",
    "end_time",
    "actual_start_time",
    "max_participants",
    "meeting_type",
    "meeting_type_name",
    "status",
    "status_name",
    "has_password",
    "settings",
    "room_id",
    "recording_status",
    "recording_url",
    "participant_count",
    "created_at",
    "updated_at",
}


async def test_a_created_meeting_is_shown_whole_and_its_password_never(house: House) -> None:
    """201 with the contract's fields, defaults filled in; no answer holds the password."""
    alice = await house.person("alice")
    made = await alice.post(
        "/meetings", house.draft(password="open sesame", settings={"enable_ai": False})
    )
    assert (made.status, made.body["code"], made.body["message"]) == (201, 201, "created")
    meeting = made.data
    assert set(meeting) == MEETING
    assert (
        meeting
        | {
            "creator_id": alice.id,
            "room_id": f"room_{meeting['id']}",
            "start_time": "2026-11-24T12:00:00Z",
            "end_time": "2026-11-24T13:00:00Z",
            "actual_start_time": None,
            "max_participants": 100,
            "meeting_type": 3,
            "meeting_type_name": "video",
            "status": 1,
            "status_name": "scheduled",
            "has_password": True,
            "recording_status": "none",
            "participant_count": 0,
        }
        == meeting
    )
    assert meeting["settings"]["enable_ai"] is False
    assert meeting["settings"]["enable_chat"] is True
    shown = await alice.get(f"/meetings/{meeting['id']}")
    assert shown.data == meeting
    listed = await alice.get("/meetings")
    for answer in (made, shown, listed):
        assert "sesame" not in str(answer.body)
        assert "argon2" not in str(answer.body)


WRONG: list[tuple[str, Any]] = [
    ("title", ""),
    ("title", "   "),
    ("title", "x" * 101),
    ("title", "a\x07b"),
    ("title", 7),
    ("title", None),
    ("description", "x" * 501),
    ("start_time", "2026-11-24T12:00:00"),
    ("start_time", "0001-01-01T00:00:00+14:00"),
    ("end_time", "2026-11-24T11:00:00Z"),
    ("end_time", "9999-12-31T23:59:59-14:00"),
    ("end_time", "tomorrow"),
    ("max_participants", 0),
    ("max_participants", 1001),
    ("max_participants", 10**30),
    ("meeting_type", 5),
    ("meeting_type", "secret"),
    ("meeting_type", True),
    ("password", "x" * 51),
    ("settings", {"enable_everything": True}),
    ("settings", {"enable_ai": "yes"}),
]


async def test_a_wrong_field_is_named(house: House) -> None:
    """400 with the field's name and what it may be; nothing is created."""
    alice = await house.person("alice")
    for field, value in WRONG:
        refused = await alice.post("/meetings", house.draft(**{field: value}))
        assert refused.error == (400, 400), (field, value)
        [named] = refused.body["error"]["details"]
        assert named.split(".")[0] == field
    assert (await alice.get("/meetings")).data["total"] == 0


async def test_a_half_pair_of_surrogates_is_refused(house: House) -> None:
    """Text that is no valid UTF-8 once decoded is a 400, in every text field."""
    alice = await house.person("alice")
    for field in ("title", "description", "password"):
        refused = await alice.post("/meetings", house.draft(**{field: "\ud800"}))
        assert refused.error == (400, 400)


async def test_types_are_taken_by_number_or_name(house: House) -> None:
    """Both forms mean the same."""
    alice = await house.person("alice")
    for given, number in (("private", 2), (4, 4), ("audio", 4)):
        made = await alice.post("/meetings", house.draft(meeting_type=given))
        assert made.data["meeting_type"] == number


async def test_a_repeated_creation_makes_one_meeting(house: House) -> None:
    """The same key gives the same meeting: replayed, or found when the kept answer is lost."""
    alice = await house.person("alice")
    draft = house.draft()
    first = await alice.post("/meetings", draft, Idempotency_Key="k1")
    again = await alice.post("/meetings", draft, Idempotency_Key="k1")
    async with house.database.write() as connection:
        await connection.exec_driver_sql("DELETE FROM idempotency_answers")
    found = await alice.post("/meetings", draft, Idempotency_Key="k1")
    other = await alice.post("/meetings", house.draft(title="Other"), Idempotency_Key="k1")
    assert first.data["id"] == again.data["id"] == found.data["id"]
    assert other.error == (409, 409)
    assert (await alice.get("/meetings")).data["total"] == 1


async def test_the_list_pages_and_filters(house: House) -> None:
    """Newest start first; by state as number or name; by text in the title."""
    alice = await house.person("alice")
    ids = [await house.meeting(alice, started=False, title=f"Talk {n}") for n in range(3)]
    await alice.post(f"/meetings/{ids[0]}/start")
    page = (await alice.get("/meetings?page=2&page_size=2")).data
    assert ([row["id"] for row in page["list"]], page["total"], page["total_pages"]) == (
        [ids[0]],
        3,
        2,
    )
    for query, wanted in (
        ("status=active", [ids[0]]),
        ("status=1", [ids[2], ids[1]]),
        ("q=talk%201", [ids[1]]),
        ("q=%25", []),
    ):
        found = (await alice.get(f"/meetings?{query}")).data["list"]
        assert [row["id"] for row in found] == wanted, query
    for query in ("status=9", "status=open", "page=0", "page_size=101", "q=%00", "q=" + "x" * 101):
        assert (await alice.get(f"/meetings?{query}")).error == (400, 400), query


async def test_only_the_host_starts_and_ends(house: House) -> None:
    """A participant's end is 403, and the meeting goes on; the host's is 200, also repeated."""
    alice, bob = await house.person("alice"), await house.person("bob")
    meeting = await house.meeting(alice, started=False)
    assert (await bob.post(f"/meetings/{meeting}/start")).error == (403, 403)
    assert (await alice.post(f"/meetings/{meeting}/end")).error == (409, 20005)
    for _ in range(2):
        started = (await alice.post(f"/meetings/{meeting}/start")).data
        assert (started["status_name"], started["actual_start_time"]) == (
            "active",
            "2026-11-24T12:00:00Z",
        )
    assert (await bob.post(f"/meetings/{meeting}/join")).status == 200
    assert (await bob.post(f"/meetings/{meeting}/end")).error == (403, 403)
    assert (await bob.get(f"/meetings/{meeting}")).data["status_name"] == "active"
    for _ in range(2):
        ended = (await alice.post(f"/meetings/{meeting}/end")).data
        assert (ended["status_name"], ended["participant_count"]) == ("ended", 0)
    assert (await alice.post(f"/meetings/{meeting}/start")).error == (409, 20002)


async def test_what_is_over_neither_starts_nor_takes_anybody(house: House) -> None:
    """After its end_time a meeting does not start; after its end nobody joins."""
    alice, bob = await house.person("alice"), await house.person("bob")
    late = await house.meeting(alice, started=False)
    running = await house.meeting(alice)
    house.clock.move(timedelta(hours=1))
    assert (await alice.post(f"/meetings/{late}/start")).error == (409, 20002)
    assert (await bob.post(f"/meetings/{running}/join")).status == 200
    await alice.post(f"/meetings/{running}/end")
    for person in (alice, bob):
        assert (await person.post(f"/meetings/{running}/join")).error == (409, 20002)


async def test_nobody_is_let_in_without_a_token(house: House) -> None:
    """Each route answers 401 before it looks at anything else."""
    for method, path in (
        ("POST", "/meetings"),
        ("GET", "/meetings"),
        ("GET", "/meetings/1"),
        ("POST", "/meetings/1/start"),
        ("POST", "/meetings/1/end"),
        ("POST", "/meetings/1/join"),
        ("POST", "/meetings/1/leave"),
        ("GET", "/meetings/1/participants"),
        ("POST", "/meetings/1/participants"),
        ("GET", "/meetings/1/transcript"),
        ("GET", "/meetings/1/analysis"),
    ):
        async with house.client.request(method, f"/api/v1{path}") as response:
            assert (response.status, (await response.json())["code"]) == (401, 10004)


async def test_an_id_that_can_not_be_is_refused(house: House) -> None:
    """Ids are 1 to 2³²−2; within them what is not there is 404 20001."""
    alice = await house.person("alice")
    for wrong in ("0", "-1", "x", str(2**32 - 1), str(10**30)):
        assert (await alice.get(f"/meetings/{wrong}")).error == (400, 400), wrong
    assert (await alice.get(f"/meetings/{2**32 - 2}")).error == (404, 20001)


async def test_creations_at_once_all_come_through(house: House) -> None:
    """Writers wait for each other; none is refused."""
    alice = await house.person("alice")
    answers = await asyncio.gather(
        *(alice.post("/meetings", house.draft(title=f"Talk {n}")) for n in range(20))
    )
    assert len({answer.data["id"] for answer in answers}) == 20
