"""Who may use which route: every route of REST, by everybody.

The routes are those that `/schema` tells of, and of which the policy table has a row; one without a
row here fails. They are tried in the order in which they stand, from looking on to ending the
meeting, since what is let in has its effect.
"""

import base64
import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from meeting.transports.policy import BARE, OWNED, PREFIX, Who, whole
from tests.stories.access import HTTP, ROLES, Cast, cast, hides, verdict
from tests.stories.house import SECRET
from tests.stories.visit import PASSWORD, Person, Visit, until

pytestmark = pytest.mark.story
OPEN, USER, OWN = "......", "1.1...", "14144."
SEEN, MEMBER, HOST = "1-1-..", "1x1x..", "1x1x3."
ANALYST = "1x.x.."
"""A member, or a service."""
UNTOLD = {("GET", "/schema"), ("GET", "/metrics")}
"""What `/schema` does not tell of: itself, and what is for the operator."""
ALONE = "/api/v1/auth/logout"
"""After this a token is dead, so it is tried with another one."""
AUDIO = {"audio_data": base64.b64encode(bytes(3200)).decode()}
FRAME = {"video_frame": base64.b64encode(b"\xff\xd8\xff").decode()}
GARBAGE = b"{nonsense"
TIMES = {"start_time": "2026-01-01T00:00:00Z", "end_time": "2099-01-01T00:00:00Z"}


class Asked:
    """What the bodies of a row are made of."""

    def __init__(self, cast: Cast, role: str, meeting_id: int, last: dict[str, Any]) -> None:
        self.about = {"meeting_id": meeting_id, "user_id": cast.id_of(role)}
        self.login = {"username": cast.people["stranger"].name, "password": PASSWORD}
        self.guest = {"user_id": cast.guest.user_id}
        self.refresh = {"refresh_token": last.get("refresh_token")}
        """Each is good once, and answered by the next."""

    @property
    def account(self) -> dict[str, str]:
        """Make up somebody whom nobody has heard of."""
        name = f"new-{secrets.token_hex(6)}"
        return {"username": name, "email": f"{name}@example.org", "password": PASSWORD}


Body = Callable[[Asked], object]
Row = tuple[str, str, str, Body | None, int]
ROWS: tuple[Row, ...] = (
    # method, path, who, body, what whoever is let in hears
    ("GET", "/health", OPEN, None, 200),
    ("GET", "/ready", OPEN, None, 200),
    ("GET", "/metrics", OPEN, None, 200),
    ("GET", "/schema", OPEN, None, 200),
    ("POST", "/api/v1/auth/register", OPEN, lambda a: a.account, 201),
    ("POST", "/api/v1/auth/login", OPEN, lambda a: a.login, 200),
    ("POST", "/api/v1/auth/refresh", OPEN, lambda a: a.refresh, 200),
    ("POST", ALONE, USER, None, 200),
    ("GET", "/api/v1/users/profile", USER, None, 200),
    ("PUT", "/api/v1/users/profile", USER, lambda a: {"nickname": "N"}, 200),
    ("GET", "/api/v1/users/logins", USER, None, 200),
    ("GET", "/api/v1/notifications", USER, None, 200),
    ("POST", "/api/v1/notifications/{notification_id}/read", OWN, None, 200),
    ("POST", "/api/v1/signaling/ticket", USER, None, 200),
    ("POST", "/api/v1/meetings", USER, lambda a: TIMES | {"title": "T"}, 201),
    ("GET", "/api/v1/meetings", USER, None, 200),
    ("GET", "/api/v1/meetings/{meeting_id}", SEEN, None, 200),
    ("GET", "/api/v1/meetings/{meeting_id}/participants", MEMBER, None, 200),
    ("GET", "/api/v1/meetings/{meeting_id}/transcript", MEMBER, None, 200),
    ("GET", "/api/v1/meetings/{meeting_id}/analysis", MEMBER, None, 200),
    ("GET", "/api/v1/meetings/{meeting_id}/report", MEMBER, None, 409),
    ("GET", "/api/v1/meetings/{meeting_id}/room", MEMBER, None, 200),
    ("POST", "/api/v1/meetings/{meeting_id}/room", HOST, None, 200),
    ("DELETE", "/api/v1/meetings/{meeting_id}/room", HOST, None, 409),
    ("POST", "/api/v1/ai/speech-recognition", ANALYST, lambda a: a.about | AUDIO, 200),
    ("POST", "/api/v1/ai/speech/recognition", ANALYST, lambda a: a.about | AUDIO, 200),
    ("POST", "/api/v1/ai/asr", ANALYST, lambda a: a.about | AUDIO, 200),
    ("POST", "/api/v1/ai/emotion-detection", ANALYST, lambda a: a.about | FRAME, 503),
    ("POST", "/api/v1/ai/deepfake-detection", ANALYST, lambda a: a.about | FRAME, 503),
    ("GET", "/api/v1/ai/analysis/{meeting_id}", ANALYST, None, 200),
    ("POST", "/api/v1/meetings/{meeting_id}/participants", HOST, lambda a: a.guest, 201),
    ("POST", "/api/v1/meetings/{meeting_id}/start", HOST, None, 200),
    ("POST", "/api/v1/meetings/{meeting_id}/leave", SEEN, None, 200),
    ("POST", "/api/v1/meetings/{meeting_id}/join", SEEN, None, 200),
    ("POST", "/api/v1/meetings/{meeting_id}/end", HOST, None, 200),
)


async def test_every_route_by_everybody(ends: Visit) -> None:
    """Each role hears from each route what the contract has for it."""
    people = await cast(ends)
    table = {(method, path) for method, path, *_ in ROWS}
    assert await described(people.nobody, ends.url) | UNTOLD == table == set(whole())
    own = await until(lambda: first(people.people["host"]), 20)
    await until(lambda: hears(people), 60)
    wrong, last = [], dict[str, Any]()
    for method, path, who, body, done in ROWS:
        for hidden, meeting in people.meetings.items():
            for role in ROLES if hides(who) or not hidden else ():
                caller = people.people[role]
                if path == ALONE and caller.user_id:
                    caller = await caller.again()
                asked = body(Asked(people, role, meeting, last)) if body else None
                url = path.format(meeting_id=meeting, notification_id=own)
                status, answer = await request(caller, method, url, json=asked)
                last = answer.get("data") or last
                wanted = HTTP.get(verdict(who, role, hidden=hidden), done)
                if status != wanted:
                    wrong.append((method, path, role, "private" * hidden, status, wanted))
    assert wrong == []


async def described(nobody: Person, url: str) -> set[tuple[str, str]]:
    """Ask a port for its routes."""
    _, schema = await request(nobody, "GET", f"{url}/schema")
    return {
        (method.upper(), path) for path, methods in schema["paths"].items() for method in methods
    }


async def first(person: Person) -> int:
    """Return a notification of theirs, or 0 where there is none yet."""
    found = (await person.data("GET", "/notifications"))["list"]
    return found[0]["id"] if found else 0


async def hears(people: Cast) -> bool:
    """Tell whether all is loaded."""
    status, _ = await request(people.nobody, "GET", "/ready")
    body = {"meeting_id": people.meetings[False], **AUDIO}
    heard, _ = await people.people["host"].ask("POST", "/ai/asr", body)
    return (status, heard) == (200, 200)


async def request(
    caller: Person, method: str, path: str, token: str = "", **body: Any
) -> tuple[int, dict[str, Any]]:
    """Send a request; the status, and the answer where it is JSON."""
    token = token or caller.token
    headers = body.pop("headers", {}) | ({"Authorization": f"Bearer {token}"} if token else {})
    url = path if path.startswith("http") else caller.url + path
    async with caller.http.request(method, url, headers=headers, **body) as answer:
        shown = answer.content_type.endswith("json")
        return answer.status, await answer.json(content_type=None) if shown else {}


async def test_each_port_has_its_own_routes(ends: Visit) -> None:
    """In one process all are at the first port; apart, each is at its owner's and at no other."""
    nobody = Person(ends.url, ends.http)
    bare, found = set(BARE) - UNTOLD, {}
    for domain, table in OWNED.items():
        if (port := f"{domain}.port") in ends.home.ports:
            found[domain] = await described(nobody, ends.home.at(port))
            wanted = {(method, PREFIX + path) for method, path in table}
            assert found[domain] == wanted | bare, domain
    assert found


async def test_who_asks_comes_before_anything_else(ends: Visit) -> None:
    """Nobody is told no more, whatever they send wherever; others hear what is wrong with it."""
    nobody, (ann, bob) = Person(ends.url, ends.http), await ends.people("ann", "bob")
    hidden = await ann.meeting(meeting_type="private")
    closed = [route for route, rule in whole().items() if rule.who is not Who.OPEN]
    for method, path in [*closed, ("GET", "/api/v1/nothing"), ("PATCH", "/api/v1/meetings")]:
        url = path.format(meeting_id="x", notification_id="x")
        for token in ("", "nonsense"):
            status, answer = await request(nobody, method, url, token, data=GARBAGE)
            assert (status, answer["error"]["type"]) == (401, "unauthenticated"), (method, path)
    big = {"data": GARBAGE, "headers": {"Content-Length": "99999999"}}
    for token, wanted in (("", 401), ("nonsense", 401), (SECRET, 413), (ann.token, 413)):
        status, _ = await request(nobody, "POST", "/api/v1/ai/asr", token, **big)
        assert status == wanted, token
    for method, path, wanted in (
        ("GET", "/nothing", 404),
        ("PATCH", "/meetings", 405),
        ("GET", "/meetings/x", 400),
        ("POST", f"/meetings/{hidden}/participants", 400),
        ("POST", f"/meetings/{hidden}/end", 404),
    ):
        status, _ = await request(
            bob, method, f"/api/v1{path}", data=GARBAGE if wanted == 400 else None
        )
        assert status == wanted, (method, path)


async def test_a_service_says_for_whom_it_asks(ends: Visit) -> None:
    """It is believed on the routes of AI, where it may be true; of a user the same is no matter."""
    nobody, (ann, bob) = Person(ends.url, ends.http), await ends.people("ann", "bob")
    sound = AUDIO | {"meeting_id": await ann.meeting()}
    ask = partial(request, nobody, "POST", "/api/v1/ai/asr", json=sound)

    async def asked(token: str, user_id: object) -> tuple[int, dict[str, Any]]:
        said = {"X-Service": "stories", "X-User-Id": str(user_id), "Idempotency-Key": "again"}
        return await ask(token, headers=said)

    async def heard() -> bool:
        return (await asked(SECRET, bob.user_id))[0] == 200

    assert (await ask(SECRET))[0] == 400  # for nobody
    assert (await asked(SECRET, "bob"))[0] == 400
    assert (await asked(bob.token, ann.user_id))[0] == 403
    await until(heard, 60)
    await until(heard)  # what it sends again is done again
    assert (await asked(ann.token, bob.user_id))[0] == 200
    rows = (await ann.data("GET", f"/ai/analysis/{sound['meeting_id']}"))["list"]
    assert [row["user_id"] for row in rows] == [ann.user_id, bob.user_id, bob.user_id]
