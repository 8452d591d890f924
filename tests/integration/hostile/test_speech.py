"""Audio that can't be recognised, by the name of what is wrong with it."""

import base64
import json
from typing import Any

import pytest

from tests.integration.hostile.house import House
from tests.integration.hostile.ledger import Ledger
from tests.integration.hostile.line import Answer, Line
from tests.integration.hostile.sound import Wav

PATHS = ("speech-recognition", "speech/recognition", "asr")
BAD, FORMAT, LARGE = (400, 400), (400, 30002), (413, 30003)
"""Status and code of the contract."""


def base(data: bytes) -> str:
    """Write bytes as the route wants them."""
    return base64.b64encode(data).decode()


def ask(house: House, path: str, body: object, *headers: str, port: str = "http") -> Answer:
    """Send one request."""
    content = json.dumps(body).encode()
    lines = [f"POST /api/v1/ai/{path} HTTP/1.1", "Host: localhost", *headers]
    head = "\r\n".join([*lines, f"Content-Length: {len(content)}", "", ""])
    with Line(house.port(port)) as line:
        return line.ask(head.encode() + content)


def wav(**fields: Any) -> dict[str, Any]:
    """Describe a WAV whose fields are wrong."""
    return {"audio_data": base(Wav()._replace(**fields).written()), "format": "wav"}


GOOD = {"audio_data": base(bytes(640))}
REFUSED: dict[str, tuple[dict[str, Any], tuple[int, int]]] = {
    "no base64": ({"audio_data": "!!!!"}, BAD),
    "base64 without its padding": ({"audio_data": "AAA"}, BAD),
    "base64 in lines": ({"audio_data": "AAAA\nAAAA"}, BAD),
    "base64 for URLs": ({"audio_data": "AA-_"}, BAD),
    "base64 that is no text": ({"audio_data": [0, 0]}, BAD),
    "empty": ({"audio_data": ""}, BAD),
    "absent": ({"audio_data": None}, BAD),
    "half a sample": ({"audio_data": base(bytes(641))}, BAD),
    "wav without a header": ({"audio_data": base(bytes(640)), "format": "wav"}, FORMAT),
    "wav without samples": (wav(data=b""), FORMAT),
    "wav of no kind": (wav(code=2), FORMAT),
    "wav of no rate": (wav(rate=0), FORMAT),
    "wav with nine channels": (wav(channels=9), FORMAT),
    "wav that breaks off": ({"audio_data": base(Wav().written()[:30]), "format": "wav"}, FORMAT),
    "flac that is none": ({"format": "flac"}, FORMAT),
    "unknown format": ({"format": "exe"}, FORMAT),
    "rate too low": ({"sample_rate": 7_999}, BAD),
    "rate too high": ({"sample_rate": 192_001}, BAD),
    "rate as text": ({"sample_rate": "fast"}, BAD),
    "rate below zero": ({"sample_rate": -16_000}, BAD),
    "no channels": ({"channels": 0}, BAD),
    "nine channels": ({"channels": 9}, BAD),
    "unknown language": ({"language": "tlh"}, BAD),
    "too long": ({"audio_data": base(bytes(300 * 16_000 + 2)), "sample_rate": 8_000}, BAD),
    "too long as wav": (wav(rate=8_000, data=bytes(4_800_002)), BAD),
    "too large after base64": ({"audio_data": base(bytes(30_000_003))}, LARGE),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_can_not_be_recognised_is_refused(house: House, ledger: Ledger, name: str) -> None:
    """Each is the contract's 4xx with a message, and leaves nothing behind."""
    body, (status, code) = REFUSED[name]
    token = f"Authorization: Bearer {house.token('alice')}"
    answer = ask(house, PATHS[0], GOOD | {"meeting_id": house.meeting} | body, token)
    assert (answer.status, answer.code) == (status, code), answer
    assert answer.body["message"]
    assert ledger.changed() == {}
    ledger.close()
    house.check()


def test_a_body_above_the_limit_is_not_even_read(house: House) -> None:
    """The answer is 413 as soon as the length is known."""
    head = f"POST /api/v1/ai/asr HTTP/1.1\r\nAuthorization: Bearer {house.token('alice')}\r\n"
    with Line(house.port("ai")) as line:
        answer = line.ask(f"{head}Host: localhost\r\nContent-Length: {2**26}\r\n\r\n".encode())
    assert (answer.status, answer.code) == LARGE


@pytest.mark.parametrize("port", ["http", "ai"])
@pytest.mark.parametrize("path", [*PATHS, "emotion-detection", "deepfake-detection"])
@pytest.mark.parametrize(
    "header", ["", "Authorization: Bearer", "Authorization: Bearer x.y.z", "Authorization: Basic e"]
)
def test_without_a_token_nothing_is_analysed(
    house: House, port: str, path: str, header: str
) -> None:
    """No token, or none that we made, is 401, whatever the body."""
    headers = [header] if header else []
    answer = ask(house, path, GOOD | {"meeting_id": house.meeting}, *headers, port=port)
    assert answer.status == 401
    assert answer.body["error"]["type"] == "unauthenticated"
