"""The contract's `analysis`: one shape, for what the AI domain keeps and the meeting's copies."""

from datetime import datetime
from typing import Any, Self

import msgspec


class AnalysisView(msgspec.Struct, frozen=True, kw_only=True):
    """A result that was kept, as a client sees it."""

    task_id: str
    analysis_type: str
    user_id: int
    status: str
    result: dict[str, Any]
    confidence: float
    model: str
    model_sha256: str
    created_at: datetime

    @classmethod
    def of(cls, kept: msgspec.Struct) -> Self:
        """Show a result of whichever domain keeps it, by the names that both have."""
        return msgspec.convert(kept, type=cls, from_attributes=True)
