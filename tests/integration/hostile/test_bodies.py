"""Whatever comes as the body of a request is at most the client's mistake."""

from typing import Any, NamedTuple

from hypothesis import given, strategies as st

from tests.integration.hostile.framing import Framed, framings, plain
from tests.integration.hostile.house import HAIL, House
from tests.integration.hostile.ledger import Ledger
from tests.integration.hostile.line import Answer, Line
from tests.integration.hostile.mutation import spoiled

UNAVAILABLE = 40001
MOMENTS = {"start_time": "2026-01-01T00:00:00Z", "end_time": "2099-01-01T00:00:00Z"}
MEETING = {"title": "t", "description": "d", **MOMENTS, "max_participants": 5}
SOUND = {"audio_data": "AAAAAAAA", "meeting_id": 1, "format": "pcm", "sample_rate": 16_000}
PICTURE = {"video_frame": "/9j/AAAA", "meeting_id": 1, "format": "jpeg"}


class Route(NamedTuple):
    """A route, who calls it, and a body that it takes."""

    path: str
    user: str
    valid: dict[str, Any]
    ports: tuple[str, ...] = ("http",)


def account(name: str) -> dict[str, Any]:
    """Describe a user."""
    return {"username": name, "email": f"{name}@example.org", "password": "correct horse"}


BOTH = ("http", "ai")
ROUTES = (
    Route("/auth/register", "", account("mallory") | {"nickname": "m", "phone": "1"}),
    Route("/auth/login", "", {"username": "nobody", "password": "wrong horse"}),
    Route("/auth/refresh", "", {"refresh_token": "r" * 43}),
    Route("/auth/logout", "bob", {"refresh_token": "r" * 43}),
    Route("/meetings", "alice", MEETING | {"meeting_type": "video", "password": "p"}),
    Route("/meetings", "alice", MEETING | {"settings": {"enable_ai": True}, "meeting_type": 3}),
    Route("/meetings/{meeting}/start", "bob", {}),
    Route("/meetings/{over}/end", "alice", {}),
    Route("/meetings/{meeting}/join", "alice", {"password": "p"}),
    Route("/meetings/{over}/join", "bob", {"password": "p"}),
    Route("/meetings/{hidden}/join", "bob", {"password": "p"}),
    Route("/meetings/{hidden}/leave", "bob", {}),
    Route("/meetings/{meeting}/participants", "alice", {"user_id": 10**9, "role": "moderator"}),
    Route("/meetings/{meeting}/participants", "bob", {"user_id": 3, "role": 2}),
    Route("/signaling/ticket", "bob", {"meeting_id": 1, "peer_id": "p"}),
    Route("/ai/speech-recognition", "alice", SOUND | {"language": "en", "channels": 1}, BOTH),
    Route("/ai/speech/recognition", "alice", SOUND | {"room_id": "room_1"}, BOTH),
    Route("/ai/asr", "alice", SOUND | {"user_id": 1, "started_at": MOMENTS["start_time"]}, BOTH),
    Route("/ai/emotion-detection", "alice", PICTURE | {"user_id": 1}, BOTH),
    Route("/ai/deepfake-detection", "alice", PICTURE | {"room_id": "room_1"}, BOTH),
)


class Attempt(NamedTuple):
    """One request: where to, on which port, and its body as it is sent."""

    route: Route
    port: str
    framed: Framed


@st.composite
def attempts(draw: st.DrawFn) -> Attempt:
    """Draw a route and a body that was once right for it."""
    route = draw(st.sampled_from(ROUTES))
    body = draw(spoiled(route.valid))
    return Attempt(route, draw(st.sampled_from(route.ports)), draw(framings(body)))


def request(house: House, route: Route, framed: Framed) -> bytes:
    """Write a request as it goes over the wire."""
    path = route.path.format(meeting=house.meeting, over=house.over, hidden=house.hidden)
    lines = [f"POST /api/v1{path} HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
    if route.user:
        lines.append(f"Authorization: Bearer {house.token(route.user)}")
    return "\r\n".join(lines).encode() + b"\r\n" + framed.headers + b"\r\n\r\n" + framed.payload


def permitted(route: Route, answer: Answer) -> bool:
    """Tell whether an answer is one that hostile input may get.

    A body may still be right after all; with no models there, speech is then unavailable.
    """
    if answer.status == 503:
        return route.path.startswith("/ai/") and answer.code == UNAVAILABLE
    return answer.status < 300 or (400 <= answer.status < 500 and "error" in answer.body)


def test_no_body_is_more_than_the_clients_mistake(house: House, ledger: Ledger) -> None:
    """Two thousand bodies, over all routes and framings: no 5xx, and no trace where refused."""
    lines = {port: Line(house.port(port)) for port in BOTH}

    @HAIL
    @given(attempt=attempts())
    def hail(attempt: Attempt) -> None:
        route, port, framed = attempt
        raw = request(house, route, framed)
        if framed.honest:
            answer = lines[port].ask(raw)
            assert permitted(route, answer), answer
            accepted = answer.status < 300
        else:
            statuses = lines[port].lie(raw, whole=framed.whole)
            wrong = [status for status in statuses if status >= 500]
            assert wrong == [503] * len(wrong), statuses
            assert not wrong or route.path.startswith("/ai/"), statuses
            accepted = any(status < 300 for status in statuses)
        if not accepted:
            assert ledger.changed() == {}
            return
        ledger.take()
        if route.path == "/auth/logout":
            house.renew(route.user)
            ledger.take()

    hail()
    house.check()
    ledger.close()
    for line in lines.values():
        line.close()


def test_a_body_that_never_ends_is_given_up(house: House, ledger: Ledger) -> None:
    """What was announced and did not come is no request, and leaves nothing behind."""
    route = Route("/meetings", "alice", MEETING)
    with Line(house.port("http")) as line:
        framed = Framed(b"Content-Length: 1000", b'{"title":"', whole=False)
        assert line.lie(request(house, route, framed), whole=False) == []
        assert line.ask(request(house, route, plain(b"{}"))).status == 400
    assert ledger.changed() == {}
    house.check()
    ledger.close()
