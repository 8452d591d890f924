"""What the contract calls a setting is one, with its default, and is heard where it counts."""

import msgspec
import pytest

from meeting.app.assembly import desk, signaling
from meeting.app.config import Config
from meeting.app.load import load
from meeting.domains.signaling.model import Limits as Rooms
from meeting.transports.http.limits import Limits

SETTINGS = {
    "http.json_bytes": "json_bytes",
    "ai.body_bytes": "ai_bytes",
    "http.bodies_bytes": "bodies_bytes",
    "http.body_seconds": "body_seconds",
    "http.json_seconds": "json_seconds",
    "ai.speech_seconds": "speech_seconds",
    "ai.picture_seconds": "picture_seconds",
    "http.user_rate": "per_user",
    "http.account_rate": "per_account",
    "http.address_rate": "per_address",
    "signaling.frame_bytes": "frame_bytes",
    "signaling.frames_per_second": "frames_per_second",
    "signaling.queue_frames": "queue_frames",
    "signaling.queue_bytes": "queue_bytes",
    "signaling.max_sockets": "sockets",
    "signaling.call_seconds": "call",
}


def limits(config: Config) -> dict[str, float]:
    """Return what the HTTP ports, the rooms and the calls between domains are bounded by."""
    found = msgspec.structs.asdict(desk.limits(config))
    found |= msgspec.structs.asdict(signaling._limits(config))
    return found | {"call": signaling._timings(config).call}


def test_defaults() -> None:
    """Without a setting the bounds are those that the code has by itself."""
    found = limits(Config())
    own = msgspec.structs.asdict(Limits()) | msgspec.structs.asdict(Rooms())
    assert {name: value for name, value in found.items() if name != "call"} == own
    assert set(Limits.__struct_fields__) <= set(SETTINGS.values())


@pytest.mark.parametrize("key", SETTINGS)
def test_each_is_heard(key: str) -> None:
    """A setting changes its own bound and no other."""
    before = limits(Config())
    wanted = before[SETTINGS[key]] + 1
    after = limits(load(environ={}, flags=[f"{key}={wanted}"]))
    assert after == before | {SETTINGS[key]: wanted}
