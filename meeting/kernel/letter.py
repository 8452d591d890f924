"""What lies in a queue: one task in the contract's JSON, written by us or by anybody.

A letter that can't be read is no letter, but lies in the queue all the same; whoever takes it gets
an `Unreadable` and lays it with the dead ones.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from meeting.kernel.lane import Lane
from meeting.kernel.nesting import shallow

LONGEST = 64 * 2**20
"""Bytes of one letter; the audio of an AI task is the longest that there is."""
LAPSED = "its hold was over before it was done"
SPENT = "its last attempt is behind it"
SHORTEST_HOLD = 1.0
HISTORY = 10
"""How many failures a letter remembers, the last ones."""

Seconds = Annotated[float, Meta(gt=0, le=86_400)]
Count = Annotated[int, Meta(ge=0, le=1000)]
Name = Annotated[str, Meta(min_length=1, max_length=64)]
Moment = Annotated[float, Meta(ge=0, le=1e11)]


class Failure(msgspec.Struct, frozen=True):
    """One attempt that came to nothing."""

    at: float
    """Unix seconds."""
    error: str


class Letter(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A task on its way. All times are in seconds, moments in Unix time."""

    id: Annotated[str, Meta(max_length=64)] = ""
    """Empty: whoever takes it gives one."""
    type: Name
    payload: dict[str, Any]
    priority: Any = int(Lane.NORMAL)
    """0 to 3 or the word; for whoever reads the letter, since the list it lies in decides."""
    timestamp: Moment = 0
    retry_count: Count = 0
    max_retries: Count = 3
    timeout: Seconds = 30
    """How long a handler may take without a sign of life."""
    visibility_timeout: Seconds = 30
    """How long a hold lasts without one."""
    processing_start_time: Moment = 0
    source: Annotated[str, Meta(max_length=64)] = ""
    destination: Annotated[str, Meta(max_length=64)] = ""
    dead_letter_queue: Annotated[str, Meta(max_length=64)] = ""
    key: Annotated[str, Meta(max_length=200)] = ""
    """While a task with this key waits or runs, another with the same is not taken in."""
    not_before: Moment = 0
    history: list[Failure] = []

    @property
    def lane(self) -> Lane:
        """Return the lane that the priority names; anything unknown is normal."""
        wanted = self.priority
        if isinstance(wanted, str):
            return Lane.__members__.get(wanted.strip().upper(), Lane.NORMAL)
        known = isinstance(wanted, int) and not isinstance(wanted, bool) and 0 <= wanted <= 3
        return Lane(wanted) if known else Lane.NORMAL

    @property
    def hold(self) -> float:
        """Return how long a hold lasts, in seconds: never so short that no sign is in time."""
        return max(SHORTEST_HOLD, self.visibility_timeout)

    @property
    def spent(self) -> bool:
        """Tell whether its last attempt is behind it."""
        return self.retry_count > self.max_retries

    def failed(self, error: str, at: float) -> "Letter":
        """Return the letter after an attempt that failed: one more, remembered."""
        history = [*self.history, Failure(at, error)][-HISTORY:]
        return msgspec.structs.replace(
            self, retry_count=self.retry_count + 1, history=history, processing_start_time=0
        )

    def buried(self, error: str, at: datetime) -> "Letter":
        """Return the letter as it lies with the dead: its payload says why and since when."""
        payload = self.payload | {"error": error, "failed_at": at.isoformat()}
        return msgspec.structs.replace(self, payload=payload)

    def revived(self) -> "Letter":
        """Return the letter as an operator gives it new attempts; its history stays."""
        payload = {k: v for k, v in self.payload.items() if k not in ("error", "failed_at")}
        return msgspec.structs.replace(self, payload=payload, retry_count=0)

    def write(self) -> bytes:
        """Return the letter as JSON; what stands in no contract field only if it is set."""
        whole = {name: getattr(self, name) for name in _ALWAYS} | msgspec.to_builtins(self)
        for name in _NUMBERS & whole.keys():
            # Whole seconds as the contract writes them: others read them as integers.
            if isinstance(whole[name], float) and whole[name].is_integer():
                whole[name] = int(whole[name])
        return _encoder.encode(whole)


_ALWAYS = (
    "id", "type", "payload", "priority", "timestamp", "retry_count", "max_retries", "timeout",
    "visibility_timeout",
)  # fmt: skip
_NUMBERS = frozenset(
    {"timestamp", "timeout", "visibility_timeout", "processing_start_time", "not_before"}
)
_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Letter, strict=False)


class Unreadable(ValueError):
    """Something in a queue that is no letter; the text says why."""


def read(raw: bytes) -> Letter:
    """Read what lay in a queue; fields that are not known are ignored."""
    if len(raw) > LONGEST:
        raise Unreadable(f"longer than {LONGEST} bytes")
    if not shallow(raw):
        raise Unreadable("nested too deep, or its brackets do not match")
    try:
        return _decoder.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Unreadable(str(error)) from None


def unread(raw: bytes, error: str) -> bytes:
    """Return what lies with the dead in place of something that can't be read."""
    found: Mapping[str, str] = {"raw": raw.decode(errors="backslashreplace"), "error": error}
    return _encoder.encode(found)


class Over(Exception):
    """The task has had its effect, or is held by another now: there is nothing left to do."""


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A letter at hand: who has it, under which fence. Only with that fence can it be settled."""

    queue: str
    lane: Lane
    letter: Letter
    owner: str
    fence: int
    here: bool = False
    """The queue lies in the database of the rows: settling it there takes it out of the queue."""
