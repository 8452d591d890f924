"""Subscriber of another house: checks every field of every event until all that it waits for came.

Knows the contract from `events.json` beside it, and needs redis-py alone. Prints a line of JSON:
the types that it heard, and what was wrong with any.
"""

import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import redis

CHANNELS = ("user_events", "meeting_events", "media_events", "ai_events", "signaling_events")
WORDS = {"online", "away", "busy", "offline"}
EVENTS = json.loads(Path(__file__).with_name("events.json").read_text())


def is_id(value: object) -> bool:
    """A whole number from 1 to 2^32 − 2."""
    return type(value) is int and value in range(1, 2**32 - 1)


def is_time(value: object) -> bool:
    """RFC 3339, in UTC."""
    try:
        return isinstance(value, str) and datetime.fromisoformat(value).utcoffset() == timedelta()
    except ValueError:
        return False


CHECKS: dict[str, Callable[[object], bool]] = {
    "id": is_id,
    "ids": lambda value: isinstance(value, list) and all(map(is_id, value)),
    "count": lambda value: type(value) is int and value >= 0,
    "text": lambda value: isinstance(value, str) and value != "",
    "time": is_time,
    "share": lambda value: isinstance(value, int | float) and 0 <= value <= 1,
    "flag": lambda value: type(value) is bool,
    "list": lambda value: isinstance(value, list),
    "object": lambda value: isinstance(value, dict) and bool(value),
    "presence": lambda value: isinstance(value, str) and value in WORDS,
}


def faults(channel: str, data: bytes) -> tuple[str, list[str]]:
    """Return the type of a message and all that is wrong with it."""
    message = json.loads(data)
    kind = message.get("type", "?")
    wanted = dict(EVENTS.get(kind, {}))
    found = [] if wanted else [f"no such event: {kind}"]
    if wanted.pop("channel", channel) != channel:
        found.append(f"{kind} on {channel}")
    moment = message.get("timestamp")
    if type(moment) is not int or abs(datetime.now(UTC).timestamp() - moment) > 60:
        found.append(f"{kind}: timestamp {moment!r}")
    name = message.get("message_id")
    if not (isinstance(name, str) and len(name) == 32 and int(name, 16) >= 0):
        found.append(f"{kind}: message_id {name!r}")
    if message.get("source") != channel.removesuffix("_events"):
        found.append(f"{kind}: source {message.get('source')!r}")
    payload = message.get("payload")
    if not isinstance(payload, dict):
        return kind, [*found, f"{kind}: payload {payload!r}"]
    for field, rule in wanted.items():
        if field not in payload:
            found.append(f"{kind}: {field} is missing")
        elif not CHECKS[rule](payload[field]):
            found.append(f"{kind}: {field} is {payload[field]!r}, not a {rule}")
    return kind, found


def main() -> None:
    """Listen until each of the types named has come, or the time is over."""
    url, seconds, *wanted = sys.argv[1:]
    heard: list[str] = []
    wrong: list[str] = []
    end = time.monotonic() + float(seconds)
    with redis.Redis.from_url(url) as server, server.pubsub() as ears:
        ears.subscribe(*CHANNELS)
        while not set(wanted) <= set(heard) and time.monotonic() < end:
            message = ears.get_message(timeout=0.5)
            if message is None:
                continue
            if message["type"] == "subscribe":
                if message["data"] == len(CHANNELS):
                    print("listening", flush=True)
                continue
            kind, found = faults(message["channel"].decode(), message["data"])
            heard.append(kind)
            wrong += found
    print(json.dumps({"heard": heard, "wrong": wrong, "missing": sorted({*wanted} - {*heard})}))


main()
