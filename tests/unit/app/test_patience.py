"""Under --debug nothing that waits for a person gives up; otherwise everything does, in time."""

import math
from pathlib import Path

import msgspec

from meeting.app.assembly import desk, engine, signaling, stores
from meeting.app.config import Config
from meeting.app.state import State
from meeting.engine.thread import ThreadHost
from meeting.kernel.ids import RandomIds
from tests.clock import MovingClock

HOUR = 3600.0


def spans(config: Config, folder: Path) -> dict[str, float]:
    """Return how long each part of the house waits for others, in seconds."""
    limits = msgspec.structs.asdict(desk.limits(config))
    found = {name: value for name, value in limits.items() if name.endswith("_seconds")}
    timings = signaling._timings(config)
    found |= {"call": timings.call, "grace": timings.grace, "silence": timings.silence}
    state = State(folder)
    wait = stores.make(config, state, MovingClock(), RandomIds()).database._wait_seconds
    state.release()
    host = engine._host(config)
    assert isinstance(host, ThreadHost)
    found |= {"speech": engine.patience(config), "engine": host._settings.deadline}
    return found | {"store": math.inf if wait is None else wait}


def test_debug(tmp_path: Path) -> None:
    """Somebody who thinks for an hour loses neither a request nor a place."""
    found = spans(Config(debug=True), tmp_path)
    assert len(found) > 8
    assert {name: seconds for name, seconds in found.items() if seconds <= HOUR} == {}


def test_otherwise(tmp_path: Path) -> None:
    """Without a person to wait for, everything ends within minutes."""
    found = spans(Config(), tmp_path)
    assert {name: seconds for name, seconds in found.items() if not 0 < seconds <= 120} == {}
