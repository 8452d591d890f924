"""What is done in the background of meetings, by a real worker, and what REST shows of it."""

from datetime import timedelta

import pytest

from meeting.domains.meeting.tasks import CreateMeeting, EndMeeting, JoinMeeting, LeaveMeeting
from meeting.kernel.task import Task
from tests.integration.meeting.house import House
from tests.integration.meeting.test_results import said


async def test_a_room_is_prepared_and_released(house: House) -> None:
    """Pending until the worker has been there, ready then, released after the end, for good."""
    alice, bob = await house.person("alice"), await house.person("bob")
    meeting = await house.meeting(alice, started=False)
    path = f"/meetings/{meeting}/room"
    assert (await alice.get(path)).data == {
        "room_id": f"room_{meeting}",
        "meeting_id": meeting,
        "status": "pending",
        "participant_count": 0,
        "sfu_node": "",
        "max_bitrate": 0,
    }
    assert (await bob.get(path)).error == (403, 403)
    await house.work()
    assert (await alice.get(path)).data["status"] == "ready"
    await alice.post(f"/meetings/{meeting}/start")
    await alice.post(f"/meetings/{meeting}/end")
    await house.work()
    assert (await alice.get(path)).data["status"] == "released"
    await house.wanted(CreateMeeting(meeting_id=meeting))
    await house.work()
    assert (await alice.get(path)).data["status"] == "released"
    assert (await alice.post(path)).error == (409, 20002)


async def test_the_host_sees_to_the_room(house: House) -> None:
    """Prepared and released by the host alone, each as often as wished, but never while active."""
    alice, bob = await house.person("alice"), await house.person("bob")
    meeting = await house.meeting(alice, started=False)
    path = f"/meetings/{meeting}/room"
    for method, status in (("DELETE", "released"), ("POST", "ready")):
        assert (await bob.ask(method, path)).error == (403, 403)
        for _ in range(2):
            assert (await alice.ask(method, path)).data["status"] == status
    await alice.ask("DELETE", path)
    await house.work()
    assert (await alice.get(path)).data["status"] == "released"
    await alice.post(f"/meetings/{meeting}/start")
    assert (await alice.ask("DELETE", path)).error == (409, 409)
    hidden = await house.meeting(bob, meeting_type="private")
    for method in ("GET", "POST", "DELETE"):
        assert (await alice.ask(method, f"/meetings/{hidden}/room")).error == (404, 20001)


async def test_a_report_is_made_after_the_end(house: House) -> None:
    """409 before the end, 404 until it is made; then who was there, and what they said."""
    alice, bob = await house.person("alice"), await house.person("bob")
    carol = await house.person("carol")
    meeting = await house.meeting(alice)
    path = f"/meetings/{meeting}/report"
    await alice.post(f"/meetings/{meeting}/participants", {"user_id": carol.id})
    assert (await alice.get(path)).error == (409, 409)
    await bob.post(f"/meetings/{meeting}/join")
    house.clock.move(timedelta(minutes=5))
    await bob.post(f"/meetings/{meeting}/leave")
    house.clock.move(timedelta(minutes=5))
    await bob.post(f"/meetings/{meeting}/join")
    await said(house, meeting, bob.id, "it's 你好 to you", 0)
    house.clock.move(timedelta(minutes=10))
    await alice.post(f"/meetings/{meeting}/end")
    assert (await alice.get(path)).error == (404, 404)
    await house.work()
    report = (await bob.get(path)).data
    assert report == {
        "meeting_id": meeting,
        "title": "Stand-up",
        "started_at": "2026-11-24T12:00:00Z",
        "ended_at": "2026-11-24T12:20:00Z",
        "duration": 1200,
        "participants": [
            {
                "user_id": bob.id,
                "username": "bob",
                "joined_at": "2026-11-24T12:10:00Z",
                "left_at": "2026-11-24T12:20:00Z",
                "seconds": 900,
                "talk_ms": 2000,
                "words": 5,
            }
        ],
        "transcript_count": 1,
        "languages": {"en": 1},
        "emotions": {},
        "alerts": [],
        "recordings": [],
        "generated_at": "2026-11-24T12:20:00Z",
        "version": 1,
    }
    stranger = await house.person("dave")
    assert (await stranger.get(path)).error == (403, 403)


async def test_late_results_make_the_report_again(house: House) -> None:
    """Within 30 s of what came late there is one new version, however much came; then no more."""
    alice = await house.person("alice")
    meeting = await house.meeting(alice)
    await alice.post(f"/meetings/{meeting}/end")
    await house.work()
    for minute in (1, 2, 3):
        await said(house, meeting, alice.id, "late", minute)
    await house.work()
    path = f"/meetings/{meeting}/report"
    assert (await alice.get(path)).data["version"] == 1
    house.clock.move(timedelta(seconds=30))
    await house.work()
    report = (await alice.get(path)).data
    assert (report["version"], report["transcript_count"]) == (2, 3)
    house.clock.move(timedelta(minutes=5))
    await house.work()
    assert (await alice.get(path)).data == report
    depth = await house.queue.depth("meeting_tasks")
    assert (sum(depth.waiting.values()), depth.delayed) == (0, 0)


async def test_an_end_from_outside_ends_the_meeting_once(house: House) -> None:
    """Announced as by the host, without a second task; repeated, nothing changes."""
    alice, bob = await house.person("alice"), await house.person("bob")
    meeting = await house.meeting(alice)
    await bob.post(f"/meetings/{meeting}/join")
    for _ in range(3):
        await house.wanted(EndMeeting(meeting_id=meeting))
        await house.work()
        house.clock.move(timedelta(minutes=1))
    assert (await alice.get(f"/meetings/{meeting}")).data["status_name"] == "ended"
    seats = (await alice.get(f"/meetings/{meeting}/participants")).data["list"]
    assert [seat["status_name"] for seat in seats] == ["invited", "left"]
    assert (await alice.get(f"/meetings/{meeting}/report")).data["version"] == 1
    log = [entry.message.type for entry in await house.feed.pull("test", "meeting_events")]
    assert log.count("meeting.ended") == 1
    assert await house.dead() == []


async def test_seats_are_taken_and_given_back_by_task(house: House) -> None:
    """As by REST: announced once each, however often it is asked for."""
    alice, bob = await house.person("alice"), await house.person("bob")
    meeting = await house.meeting(alice)
    seats = f"/meetings/{meeting}/participants"
    for task, status in ((JoinMeeting, "joined"), (LeaveMeeting, "left")):
        for _ in range(2):
            await house.wanted(task(meeting_id=meeting, user_id=bob.id))
            await house.work()
        seat = (await alice.get(seats)).data["list"][1]
        assert (seat["username"], seat["status_name"]) == ("bob", status)
    log = [entry.message.type for entry in await house.feed.pull("test", "meeting_events")]
    assert log[-2:] == ["meeting.user_joined", "meeting.user_left"]
    assert await house.dead() == []


@pytest.mark.parametrize(
    "task",
    [
        CreateMeeting(meeting_id=77),
        EndMeeting(meeting_id=77),
        JoinMeeting(meeting_id=77, user_id=1),
        JoinMeeting(meeting_id=1, user_id=77),
        LeaveMeeting(meeting_id=77, user_id=1),
        LeaveMeeting(meeting_id=1, user_id=77),
    ],
)
async def test_what_nobody_knows_is_dead_at_once(house: House, task: Task) -> None:
    """A task about an unknown meeting or user has one attempt."""
    alice = await house.person("alice")
    assert (alice.id, await house.meeting(alice)) == (1, 1)
    await house.wanted(task)
    await house.work()
    [why] = await house.dead()
    assert why in ("there is no such meeting", "there is no such user")


async def test_a_join_by_task_names_no_password(house: House) -> None:
    """It is refused as a join without one is; nobody gets in by the back door."""
    alice, bob = await house.person("alice"), await house.person("bob")
    meeting = await house.meeting(alice, password="geheim")
    await house.wanted(JoinMeeting(meeting_id=meeting, user_id=bob.id))
    for _ in range(4):
        await house.work()
        house.clock.move(timedelta(minutes=2))
    assert await house.dead() == ["the meeting's password is missing or wrong"]
    assert (await alice.get(f"/meetings/{meeting}/participants")).data["total"] == 1
