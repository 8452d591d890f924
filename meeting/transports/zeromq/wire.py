"""Messages to and from the engine: the raw form's header, the reply, and what its errors mean."""

import re
from collections.abc import Mapping
from typing import Any, Literal

import msgspec

from meeting.kernel.errors import Fault, Kind, invalid

_PARAMETER = re.compile(r"([a-z][a-z0-9_]{0,31}): (.+)", re.DOTALL)
_LONGEST_TEXT = 300


class Reply(msgspec.Struct, frozen=True):
    """What the engine answers; all five are always there."""

    task_id: str
    status: Literal["success", "error"]
    result: dict[str, Any]
    error: str
    latency: int


class _Name(msgspec.Struct, frozen=True):
    """As much of a reply as says whose it is."""

    task_id: str


_replies = msgspec.json.Decoder(Reply)
_names = msgspec.json.Decoder(_Name)
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def header(task_id: str, task_type: str, params: Mapping[str, str] | None = None) -> bytes:
    """Write the first frame of a request in the raw form; the second one is the bytes."""
    return msgspec.json.encode(
        {
            "v": 1,
            "task_id": task_id,
            "task_type": task_type,
            "model_path": "",
            "params": dict(params or {}),
        }
    )


def read(frame: bytes) -> Reply | str:
    """Read a reply; where it is none, the task that it names, or an empty text."""
    try:
        return _replies.decode(frame)
    except _UNREADABLE:
        try:
            return _names.decode(frame).task_id
        except _UNREADABLE:
            return ""


def unavailable(reason: str, *, passing: bool = True) -> Fault:
    """Say that there is no result to be had now, and why; a model that is not there stays so."""
    return Fault(
        Kind.AI_UNAVAILABLE,
        "analysis is unavailable: {reason}",
        details={"reason": reason},
        passing=passing,
        reason=reason,
    )


def failed() -> Fault:
    """Say that the engine did not do its work; why is for the log alone, where the caller puts it.

    What an engine says then is about its own inside, and no client of ours could act on it.
    """
    return Fault(Kind.AI_FAILED, "the engine failed; the log has the reason under the request id")


def late() -> Fault:
    """Say that the time for an answer is over."""
    return Fault(Kind.DEADLINE, "the analysis took longer than it may")


def fault(error: str) -> Fault:
    """Translate the error of a reply: the word before the colon decides."""
    word, _, rest = error.partition(":")
    text = _clean(rest)
    match word:
        case "unavailable":
            return unavailable(text or "the engine gives no reason", passing=False)
        case "overloaded":
            return unavailable("overloaded")
        case "deadline":
            return late()
        case "cancelled":
            return unavailable("the engine stopped the task")
        case "invalid":
            return _invalid(text)
        case _:
            return failed()


def _invalid(text: str) -> Fault:
    match = _PARAMETER.fullmatch(text)
    if match is None:
        return invalid("request", text or "was refused by the engine")
    name, allowed = match.groups()
    if name == "format":
        return Fault(Kind.UNSUPPORTED_FORMAT, "{allowed}", allowed=allowed)
    return invalid(name, allowed)


def _clean(text: str) -> str:
    """Take the control characters and the length out of a text that came from outside."""
    return "".join(c for c in text[:_LONGEST_TEXT] if c.isprintable()).strip()
