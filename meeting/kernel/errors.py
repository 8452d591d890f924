"""Everything that can go wrong, and how each transport says it: one table for all of them."""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Any, NamedTuple


class Kind(StrEnum):
    """What went wrong, as the code raises it."""

    VALIDATION = "validation"
    UNSUPPORTED_FORMAT = "unsupported_format"
    BAD_CREDENTIALS = "bad_credentials"
    UNAUTHENTICATED = "unauthenticated"
    TOKEN_EXPIRED = "token_expired"
    FORBIDDEN = "forbidden"
    BAD_MEETING_PASSWORD = "bad_meeting_password"
    USER_NOT_FOUND = "user_not_found"
    MEETING_NOT_FOUND = "meeting_not_found"
    NOT_FOUND = "not_found"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    EXISTS = "exists"
    MEETING_ENDED = "meeting_ended"
    MEETING_FULL = "meeting_full"
    MEETING_NOT_STARTED = "meeting_not_started"
    AI_DISABLED = "ai_disabled"
    CONFLICT = "conflict"
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    INTERNAL = "internal"
    AI_FAILED = "ai_failed"
    AI_UNAVAILABLE = "ai_unavailable"
    UNAVAILABLE = "unavailable"
    DEADLINE = "deadline"


class Row(NamedTuple):
    """How one kind travels: error type in the answer, HTTP status, codes of business, frame, gRPC.

    `passing` is the code of gRPC for what is over by itself soon, where that has one of its own.
    """

    type: str
    http: int
    code: int
    frame: int
    grpc: int
    passing: int = 0


ERRORS: Mapping[Kind, Row] = MappingProxyType(
    {
        Kind.VALIDATION: Row("validation", 400, 400, 400, 3),
        Kind.UNSUPPORTED_FORMAT: Row("unsupported_format", 400, 30002, 400, 3),
        Kind.BAD_CREDENTIALS: Row("bad_credentials", 401, 10001, 401, 16),
        Kind.UNAUTHENTICATED: Row("unauthenticated", 401, 10004, 401, 16),
        Kind.TOKEN_EXPIRED: Row("token_expired", 401, 10005, 401, 16),
        Kind.FORBIDDEN: Row("forbidden", 403, 403, 403, 7),
        Kind.BAD_MEETING_PASSWORD: Row("bad_meeting_password", 403, 20004, 403, 7),
        Kind.USER_NOT_FOUND: Row("not_found", 404, 10002, 404, 5),
        Kind.MEETING_NOT_FOUND: Row("not_found", 404, 20001, 404, 5),
        Kind.NOT_FOUND: Row("not_found", 404, 404, 404, 5),
        Kind.METHOD_NOT_ALLOWED: Row("method_not_allowed", 405, 405, 400, 12),
        Kind.EXISTS: Row("exists", 409, 10003, 409, 6),
        Kind.MEETING_ENDED: Row("meeting_ended", 409, 20002, 409, 9),
        Kind.MEETING_FULL: Row("meeting_full", 409, 20003, 409, 9),
        Kind.MEETING_NOT_STARTED: Row("meeting_not_started", 409, 20005, 409, 9),
        Kind.AI_DISABLED: Row("ai_disabled", 409, 40003, 409, 9),
        Kind.CONFLICT: Row("conflict", 409, 409, 409, 9, passing=10),
        Kind.TOO_LARGE: Row("too_large", 413, 30003, 413, 8),
        Kind.RATE_LIMITED: Row("rate_limited", 429, 429, 429, 8),
        Kind.INTERNAL: Row("internal", 500, 500, 500, 13),
        Kind.AI_FAILED: Row("ai_failed", 500, 40002, 500, 13),
        Kind.AI_UNAVAILABLE: Row("ai_unavailable", 503, 40001, 503, 9, passing=14),
        Kind.UNAVAILABLE: Row("unavailable", 503, 503, 503, 14),
        Kind.DEADLINE: Row("deadline", 503, 503, 503, 4),
    }
)


HOPELESS = frozenset(
    {
        Kind.VALIDATION,
        Kind.UNSUPPORTED_FORMAT,
        Kind.NOT_FOUND,
        Kind.USER_NOT_FOUND,
        Kind.MEETING_NOT_FOUND,
        Kind.FORBIDDEN,
        Kind.TOO_LARGE,
    }
)
"""What another attempt does not change."""


class Fault(Exception):
    """An answer that is an error: its kind, a text that says what to do, and details by field.

    `text` is a template that a translation can look up; `values` fill its `{names}`.
    `details` reach the client as they are, so they never hold a secret or a payload.
    """

    def __init__(
        self,
        kind: Kind,
        text: str,
        *,
        details: Mapping[str, Any] | None = None,
        retry_after: int | None = None,
        passing: bool = False,
        **values: object,
    ) -> None:
        super().__init__(text.format(**values) if values else text)
        self.kind = kind
        self.text = text
        self.values = values
        self.details: Mapping[str, Any] = details or {}
        self.retry_after = retry_after
        """Seconds after which trying again makes sense, for `rate_limited`."""
        self.passing = passing
        """Whether it is over by itself soon: a lost race, an engine that is gone or has no room."""


def invalid(field: str, allowed: str) -> Fault:
    """Refuse a value: which field it is, and what it may be."""
    return Fault(
        Kind.VALIDATION,
        "{field}: {allowed}",
        details={field: allowed},
        field=field,
        allowed=allowed,
    )
