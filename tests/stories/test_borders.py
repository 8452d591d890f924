"""What every request meets, whichever domain answers it."""

import asyncio
import functools
import io
import json
import uuid

import pytest

from tests.stories.visit import Person, Visit, until

pytestmark = pytest.mark.story
FORWARDED = ("X-Forwarded-For", "Forwarded", "X-Real-IP")


async def test_a_repeated_request_has_its_effect_once(house: Visit) -> None:
    """The first answer comes again, marked; another body under the key is refused."""
    ann, bob = await house.people("ann", "bob")
    body = {
        "title": ann.name,
        "start_time": "2026-01-01T00:00:00Z",
        "end_time": "2099-01-01T00:00:00Z",
    }
    key = uuid.uuid4().hex

    async def post(who: Person, title: str) -> tuple[int, str, bytes]:
        head = {"Authorization": f"Bearer {who.token}", "Idempotency-Key": key}
        url, sent = f"{house.url}/api/v1/meetings", {**body, "title": title}
        async with house.http.post(url, json=sent, headers=head) as response:
            marked = response.headers.get("Idempotency-Replayed", "")
            return response.status, marked, await response.read()

    first = await post(ann, ann.name)
    assert first[:2] == (201, "")
    for _ in range(2):
        assert await post(ann, ann.name) == (201, "true", first[2])
    assert (await post(ann, "another"))[0] == 409
    other = await post(bob, ann.name)
    assert other[:2] == (201, "")
    found = await ann.data("GET", f"/meetings?q={ann.name}")
    creators = [each["creator_id"] for each in found["list"]]
    assert sorted(creators) == sorted([ann.user_id, bob.user_id])


async def test_pages_and_errors_have_one_shape(house: Visit) -> None:
    """A list tells where it is and how long; an error names what is wrong, and its request."""
    ann = await house.person("ann")
    made = [await ann.meeting(start=False, title=f"{ann.name} {each}") for each in range(3)]
    pages = [
        await ann.data("GET", f"/meetings?q={ann.name}&page_size=2&page={page}") for page in (1, 2)
    ]
    assert [len(page["list"]) for page in pages] == [2, 1]
    assert sorted(each["id"] for page in pages for each in page["list"]) == sorted(made)
    for number, page in enumerate(pages, 1):
        shown = {name: page[name] for name in ("total", "page", "page_size", "total_pages")}
        assert shown == {"total": 3, "page": number, "page_size": 2, "total_pages": 2}
    for path in ("/meetings", "/users/logins", "/notifications", f"/ai/analysis/{made[0]}"):
        for field, value in (("page", "0"), ("page_size", "101"), ("page_size", "many")):
            status, answer = await ann.ask("GET", f"{path}?{field}={value}")
            assert (status, answer["code"]) == (400, 400), (path, answer)
            assert answer["error"]["type"] == "validation"
            assert list(answer["error"]["details"]) == [field]
    for method, path, code in (
        ("GET", "/meetings/4294967294", 20001),
        ("GET", "/nowhere", 404),
        ("PATCH", "/meetings", 405),
        ("GET", "/csrf-token", 404),
        ("POST", "/auth/forgot-password", 404),
        ("GET", "/webrtc/ice", 404),
    ):
        name = uuid.uuid4().hex
        _, answer = await ann.ask(method, path, **{"X-Request-ID": name})
        assert (answer["code"], answer["request_id"]) == (code, name), (path, answer)
        assert "data" not in answer
    unnamed = {(await ann.ask("GET", "/nowhere"))[1]["request_id"] for _ in range(2)}
    assert len(unnamed) == 2


async def test_passwords_can_t_be_guessed_for_long(house: Visit) -> None:
    """After ten tries in a minute an account refuses more, and says when to come again."""
    ann, bob = await house.people("ann", "bob")
    login = {"username": ann.name, "password": "wrong horse"}
    for _ in range(10):
        status, _ = await ann.ask("POST", "/auth/login", login)
        if status == 429:
            break
        assert status == 401
    async with house.http.post(f"{house.url}/api/v1/auth/login", json=login) as response:
        assert response.status == 429
        assert 0 < int(response.headers["Retry-After"]) <= 60
        answer = await response.json()
    assert (answer["code"], answer["error"]["type"]) == (429, "rate_limited")
    await ann.data("GET", "/users/profile")
    await bob.login(bob.name)


async def test_a_body_that_is_too_large(house: Visit) -> None:
    """It is refused before it is read, to strangers for want of a token; then all goes on."""
    ann = await house.person("ann")
    meeting = await ann.meeting()
    stranger = Person(house.url, house.http)
    large, larger = {"title": "x" * 2**20}, {"audio_data": "!" * 2**21, "meeting_id": meeting}
    for who, path, body, refusal in (
        (ann, "/meetings", large, (413, 30003)),
        (ann, f"/meetings/{meeting}/join", large, (413, 30003)),
        (stranger, "/meetings", large, (401, 10004)),
        (ann, "/ai/asr", larger, (400, 400)),
    ):
        head = {"Authorization": f"Bearer {who.token}", "Content-Type": "application/json"}
        sent = io.BytesIO(json.dumps(body).encode())
        url = f"{house.url}/api/v1{path}"
        async with house.http.post(url, data=sent, headers=head) as response:
            assert (response.status, (await response.json())["code"]) == refusal, path
    peer = await ann.enters(meeting)
    await peer.send("offer", to_user_id=ann.user_id, sdp="x" * 2**16)
    assert await peer.closed() == 1009
    await ann.data("GET", f"/meetings/{meeting}")


async def test_the_house_tells_how_it_is(house: Visit) -> None:
    """Each port says that it lives and is ready; figures are for this machine alone."""

    async def status(url: str, **headers: str) -> int:
        async with house.http.get(url, headers=headers) as response:
            await response.read()
            return response.status

    async def ready(url: str) -> bool:
        return await status(f"{url}/ready") == 200

    for url in house.ports:
        async with house.http.get(f"{url}/health") as response:
            assert (response.status, await response.json()) == (200, {"status": "alive"})
        await until(functools.partial(ready, url), 60)  # the models may be loading
        async with house.http.get(f"{url}/ready") as response:
            told = await response.json()
        assert told["status"] == "ready"
        assert {each["state"] for each in told["modules"].values()} == {"running"}
        assert await status(f"{url}/metrics") == 200
        for name in FORWARDED:
            assert await status(f"{url}/metrics", **{name: "127.0.0.1"}) == 404


async def test_every_route_is_described_and_served(house: Visit) -> None:
    """What the schema lists answers, and asks for a credential unless it is a way to get one."""
    async with house.http.get(f"{house.url}/schema") as response:
        assert response.status == 200
        paths = json.loads(await response.read())["paths"]
    routes = {(method.upper(), path) for path, methods in paths.items() for method in methods}
    ways = {
        ("POST", "/auth/login"),
        ("PUT", "/users/profile"),
        ("GET", "/notifications"),
        ("POST", "/meetings/{meeting_id}/start"),
        ("GET", "/meetings/{meeting_id}/report"),
        ("POST", "/signaling/ticket"),
        ("POST", "/ai/speech-recognition"),
    }
    assert {(method, f"/api/v1{path}") for method, path in ways} <= routes
    bare = {("GET", "/health"), ("GET", "/ready")}
    assert bare <= routes

    async def knock(method: str, path: str) -> tuple[str, int]:
        where = path.replace("{meeting_id}", "1").replace("{notification_id}", "1")
        async with house.http.request(method, house.url + where, json={}) as response:
            await response.read()
            return path.removeprefix("/api/v1"), response.status

    answers = dict(await asyncio.gather(*(knock(*route) for route in routes - bare)))
    unlocked = {path: status for path, status in answers.items() if status != 401}
    # What tells that the body is wrong, or the refresh token, has let the request in.
    assert unlocked == {"/auth/register": 400, "/auth/login": 400, "/auth/refresh": 400}
