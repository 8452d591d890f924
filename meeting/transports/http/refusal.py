"""An error in bytes, as it leaves in answer to a request or in place of an upgrade."""

import msgspec

from meeting.kernel.errors import Fault
from meeting.transports.http.errors import answer


class Refusal(msgspec.Struct, frozen=True):
    """Status, headers as ASGI wants them, and body."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


def refusal(fault: Fault, request_id: str, language: str = "") -> Refusal:
    """Put a fault into the contract's form; `language` is an `Accept-Language` header."""
    said = answer(fault, request_id, language)
    body = msgspec.json.encode(said.body)
    headers = said.headers | {
        "content-type": "application/json",
        "content-length": str(len(body)),
    }
    return Refusal(
        status=said.status,
        headers=[(name.encode(), value.encode()) for name, value in headers.items()],
        body=body,
    )
