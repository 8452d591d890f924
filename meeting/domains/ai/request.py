"""What is asked for: which tasks, by the names that they were sent under, and in which meeting."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from meeting.domains.ai.api import ALIASES, DEEPFAKE, EMOTION, TASKS
from meeting.kernel.errors import Fault, Kind, invalid
from meeting.kernel.ids import MAX_ID, meeting_of

NAMES = 16
LONGEST = 64
PICTURES = (EMOTION, DEEPFAKE)

FAILURES = frozenset(
    {
        Kind.VALIDATION,
        Kind.UNSUPPORTED_FORMAT,
        Kind.TOO_LARGE,
        Kind.AI_FAILED,
        Kind.AI_UNAVAILABLE,
        Kind.DEADLINE,
    }
)
"""What is the matter of one task; anything else ends the request with all its tasks."""


def tasks_named(names: Sequence[str], default: Iterable[str]) -> Mapping[str, str]:
    """Return the task behind each name as it was sent; without any those that are usual."""
    if len(names) > NAMES:
        raise invalid("tasks", f"may be {NAMES} at a time")
    if not names:
        return {task: task for task in default}
    return {name: _task(name) for name in names}


def _task(name: str) -> str:
    wanted = name.strip().lower() if len(name) <= LONGEST else ""
    found = ALIASES.get(wanted, wanted)
    if found not in TASKS:
        raise invalid("tasks", "must be of " + ", ".join((*TASKS, *ALIASES)))
    return found


def meeting_named(meeting_id: int, room_id: str) -> int:
    """Return the meeting that is named by its id, by its room, or by both alike."""
    if not room_id:
        found = meeting_id
    elif (found := meeting_of(room_id) or 0) == 0:
        raise invalid("room_id", "must be room_<meeting_id>")
    elif meeting_id not in (0, found):
        raise invalid("room_id", "must be the room of meeting_id")
    if not found:
        raise invalid("meeting_id", "is required")
    if not 1 <= found <= MAX_ID:
        raise invalid("meeting_id", f"must be 1 to {MAX_ID}")
    return found


def absent(task: str) -> Fault:
    """Say that no model is there for a task."""
    return Fault(
        Kind.AI_UNAVAILABLE,
        "no model for {task} is installed",
        details={"reason": f"no model for {task} is installed"},
        task=task,
    )


def deaf(task: str) -> Fault:
    """Say that a task has no use for audio."""
    if task not in PICTURES:
        return absent(task)
    return Fault(
        Kind.AI_UNAVAILABLE,
        "{task} looks at pictures, not at audio",
        details={"reason": f"{task} looks at pictures, not at audio"},
        task=task,
    )


def reason(fault: Fault) -> str:
    """Return why a task failed, for whoever reads it beside the results of others."""
    return str(fault.details.get("reason") or fault)


def failure(fault: Fault) -> str:
    """Return what stands in the place of a result of a task that failed."""
    status = "unavailable" if fault.kind is Kind.AI_UNAVAILABLE else "error"
    return msgspec.json.encode({"status": status, "reason": reason(fault)}).decode()
