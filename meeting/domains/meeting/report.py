"""The report of a meeting that is over: who was there for how long, and how much was said."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

import msgspec

from meeting.domains.meeting import rules
from meeting.domains.meeting.model import Meeting, Participant
from meeting.domains.meeting.record import Line

REPORTS = "meeting_reports"

_NO_SPACES = "\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
"""Kana and ideographs, which are written without spaces."""
_WORD = re.compile(rf"[{_NO_SPACES}]|[^\W{_NO_SPACES}]+(?:['\u2019-][^\W{_NO_SPACES}]+)*")


class Attended(msgspec.Struct, frozen=True, kw_only=True):
    """One who took part."""

    user_id: int
    username: str
    joined_at: datetime
    """When the seat was taken last."""
    left_at: datetime | None
    seconds: int
    """Of all stays together."""
    talk_ms: int
    words: int


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """What is kept of a meeting, whole; `version` counts how often it came out different."""

    meeting_id: int
    title: str
    started_at: datetime
    ended_at: datetime
    duration: int
    """Seconds."""
    participants: list[Attended]
    transcript_count: int
    languages: dict[str, int]
    """How many passages were in which language."""
    emotions: dict[str, dict[str, float]] = {}
    alerts: list[dict[str, Any]] = []
    recordings: list[dict[str, Any]] = []
    generated_at: datetime
    version: int = 1

    def says(self, other: "Report") -> bool:
        """Tell whether another one says the same, whenever it was made."""
        alike = msgspec.structs.replace(other, generated_at=self.generated_at, version=self.version)
        return self == alike

    def after(self, earlier: "Report") -> "Report":
        """Return it as the next one after another."""
        return msgspec.structs.replace(self, version=earlier.version + 1)


def compose(
    meeting: Meeting,
    seats: Iterable[Participant],
    lines: Sequence[Line],
    now: datetime,
    summary: dict[str, Any] | None = None,
) -> Report:
    """Put the report of an ended meeting together; `lines` are those that count.

    `summary` is what the AI domain has found in the whole meeting, if it has said so.
    """
    started = meeting.actual_start_time or meeting.created_at
    ended = meeting.actual_end_time or meeting.updated_at
    talk: Counter[int] = Counter()
    spoken: Counter[int] = Counter()
    for line in lines:
        talk[line.user_id] += max(0, (line.ended_at - line.started_at) // timedelta(milliseconds=1))
        spoken[line.user_id] += words(line.text)
    return Report(
        meeting_id=meeting.id,
        title=meeting.title,
        started_at=started,
        ended_at=ended,
        duration=max(0, int((ended - started).total_seconds())),
        participants=[
            Attended(
                user_id=seat.user_id,
                username=seat.username,
                joined_at=seat.joined_at,
                left_at=seat.left_at,
                seconds=rules.stay(seat, ended),
                talk_ms=talk[seat.user_id],
                words=spoken[seat.user_id],
            )
            for seat in seats
            if seat.joined_at is not None
        ],
        transcript_count=len(lines),
        languages=dict(sorted(Counter(line.language for line in lines).items())),
        emotions=_emotions(summary or {}),
        generated_at=now,
    )


def _emotions(summary: dict[str, Any]) -> dict[str, dict[str, float]]:
    """Take the shares of emotions a user out of a summary; none where they are no such thing."""
    try:
        return msgspec.convert(summary.get("emotions", {}), type=dict[str, dict[str, float]])
    except msgspec.ValidationError:
        return {}


def summary_id(meeting_id: int) -> str:
    """Name the task under which the AI domain's summary of a meeting is kept."""
    return f"report_{meeting_id}"


def words(text: str) -> int:
    """Count words; where none are set apart by spaces, each character is one."""
    return len(_WORD.findall(text))


def report_key(meeting_id: int, made: int) -> str:
    """Name the report that has everything that it was wanted for so many times."""
    return f"report_{meeting_id}:{made}"
