"""What both servers do alike before the upgrade: read the request, and word a refusal."""

from collections.abc import Collection, Iterable
from datetime import datetime

import msgspec

from meeting.domains.signaling.admission import Knock
from meeting.domains.signaling.model import LONGEST_FRAME
from meeting.kernel.errors import Fault
from meeting.kernel.ids import Ids
from meeting.kernel.token import Tokens
from meeting.transports.http.exchange import chosen, stamp
from meeting.transports.http.forwarded import client
from meeting.transports.http.refusal import Refusal, refusal
from meeting.transports.origin import admitted

PATH = "/ws"
LONGEST_MESSAGE = LONGEST_FRAME + 1
"""Bytes from which a server itself refuses a message: above the longest that a session can take."""
BUFFER_BYTES = 64 * 1024
"""Bytes that a transport may hold unsent before its peer's writer has to wait."""


def knock(
    query: str,
    headers: Iterable[tuple[str, str]],
    address: str,
    *,
    origins: Collection[str],
    ids: Ids,
    tokens: Tokens,
) -> Knock:
    """Read what matters out of a request that came from `address`.

    Of a repeated header the first counts.
    """
    found: dict[str, str] = {}
    for name, value in headers:
        found.setdefault(name.lower(), value)
    return Knock(
        query=query,
        authorization=found.get("authorization", ""),
        origin_admitted=admitted(found.get("origin"), found.get("host", ""), origins),
        address=client(found, address, tokens),
        request_id=chosen(found.get("x-request-id"), ids),
    )


def refused(fault: Fault, request_id: str, at: datetime) -> Refusal:
    """Word a refusal as REST words its errors, with the headers that REST's answers have."""
    said = refusal(fault, request_id, at)
    return msgspec.structs.replace(said, headers=[*said.headers, *stamp(request_id)])
