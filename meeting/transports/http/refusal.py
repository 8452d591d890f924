"""An error in bytes, as it leaves in answer to a request or in place of an upgrade."""

from datetime import datetime

import msgspec

from meeting.kernel.clock import rfc3339
from meeting.kernel.errors import ERRORS, Fault, Kind
from meeting.text import language, say


class Refusal(msgspec.Struct, frozen=True):
    """Status, headers as ASGI wants them, and body."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def refusal(fault: Fault, request_id: str, at: datetime, accept_language: str = "") -> Refusal:
    """Put a fault into the contract's form, in the language that the caller takes."""
    row = ERRORS[fault.kind]
    body = msgspec.json.encode(
        {
            "code": row.code,
            "message": say(fault, language(accept_language)),
            "timestamp": rfc3339(at),
            "request_id": request_id,
            "error": {"type": row.type, "details": dict(fault.details)},
        }
    )
    headers = {"content-type": "application/json", "content-length": str(len(body))}
    if fault.retry_after is not None:
        headers["retry-after"] = str(fault.retry_after)
    if fault.kind is Kind.METHOD_NOT_ALLOWED:
        headers["allow"] = str(fault.details.get("method", ""))
    return Refusal(
        status=row.http,
        headers=[(name.encode(), value.encode()) for name, value in headers.items()],
        body=body,
    )
