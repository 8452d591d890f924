"""What the AI domain needs from outside."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from meeting.domains.ai.model import Analysis
from meeting.kernel.page import Found, Page
from meeting.kernel.ports import Unit


class Engine(Protocol):
    """Runs models on bytes; the only way to a result."""

    async def infer(
        self, task: str, data: bytes, params: Mapping[str, str], deadline: float
    ) -> dict[str, Any]:
        """Return the result of a task as the engine gave it; `deadline` is on `Clock.monotonic`.

        Faults: `ai_unavailable` (no model, no engine, no room), `unsupported_format` and
        `validation` for the input, `deadline`, `ai_failed`. Cancelling the call stops the work.
        """
        ...


class Decoder(Protocol):
    """Turns encoded audio from outside into samples, without trusting it."""

    async def decode(self, data: bytes, form: str, *, seconds: int, deadline: float) -> bytes:
        """Return s16le samples at 16 kHz, mono, cut one second behind `seconds`.

        Faults: `unsupported_format` for what is not that format, `ai_unavailable` without a
        decoder, `deadline`.
        """
        ...


class AiUnit(Unit, Protocol):
    """A unit of work on the AI domain's own rows."""

    async def add(self, analysis: Analysis) -> bool:
        """Keep a result; False, without a change, where its key is kept already."""
        ...

    async def get(self, task_id: str, analysis_type: str, segment: int = 0) -> Analysis | None:
        """Return one result."""
        ...

    async def task(self, task_id: str, limit: int) -> Sequence[Analysis]:
        """Return the results of a task, the first segment first."""
        ...

    async def newest(self, meeting_id: int, limit: int) -> Sequence[Analysis]:
        """Return the newest results of a meeting."""
        ...

    async def list(self, meeting_id: int, analysis_type: str, page: Page) -> Found[Analysis]:
        """Return a page of a meeting's results, newest first; an empty type means all."""
        ...
