"""Errors over gRPC, both ways: the status for everybody, the very same `Fault` for one of ours.

The trailer `fault-bin` holds what a status and a text leave out. Both are kept short: clients
refuse trailers of more than 8 KiB, and then nobody knows what was wrong.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from typing import Any

import msgspec
import structlog
from grpclib.const import Status
from grpclib.metadata import decode_grpc_message, encode_grpc_message

from meeting.kernel.errors import ERRORS, Fault, Kind
from meeting.transports.grpc.codec import Malformed

log = structlog.get_logger(__name__)

TRAILER = "fault-bin"
LONGEST = 4096
LONGEST_TEXT = 1024
_LONGEST_CAUSE = 200
_SERVER_ERROR = 500

NEAREST: Mapping[Status, Kind] = {
    Status.CANCELLED: Kind.UNAVAILABLE,
    Status.UNKNOWN: Kind.INTERNAL,
    Status.INVALID_ARGUMENT: Kind.VALIDATION,
    Status.DEADLINE_EXCEEDED: Kind.DEADLINE,
    Status.NOT_FOUND: Kind.NOT_FOUND,
    Status.ALREADY_EXISTS: Kind.EXISTS,
    Status.PERMISSION_DENIED: Kind.FORBIDDEN,
    Status.RESOURCE_EXHAUSTED: Kind.RATE_LIMITED,
    Status.FAILED_PRECONDITION: Kind.CONFLICT,
    Status.ABORTED: Kind.CONFLICT,
    Status.OUT_OF_RANGE: Kind.VALIDATION,
    Status.UNIMPLEMENTED: Kind.METHOD_NOT_ALLOWED,
    Status.INTERNAL: Kind.INTERNAL,
    Status.UNAVAILABLE: Kind.UNAVAILABLE,
    Status.DATA_LOSS: Kind.INTERNAL,
    Status.UNAUTHENTICATED: Kind.UNAUTHENTICATED,
}
"""What a status means that comes from a server which is none of ours."""


class _Told(msgspec.Struct, omit_defaults=True):
    """A fault in the trailer."""

    kind: Kind
    text: str
    values: dict[str, str | int | float] = {}
    details: dict[str, Any] = {}
    retry_after: int | None = None
    passing: bool = False


_decoder = msgspec.json.Decoder(_Told)


def fault_of(error: Fault | Malformed) -> Fault:
    """Say what went wrong to the caller; what is behind a failure of ours is for the log alone."""
    if isinstance(error, Malformed):
        reason = str(error)
        return Fault(
            Kind.VALIDATION,
            "the message is not as the proto file has it: {reason}",
            details={"message": reason},
            reason=reason,
        )
    if error.__cause__ is not None and ERRORS[error.kind].http >= _SERVER_ERROR:
        first = next(iter(str(error.__cause__).splitlines()), "")
        cause = f"{type(error.__cause__).__name__}: {first[:_LONGEST_CAUSE]}"
        log.warning("call failed", kind=error.kind, cause=cause)
    return error


def status_of(fault: Fault) -> Status:
    """Return the status of the contract's table."""
    row = ERRORS[fault.kind]
    return Status(row.passing if fault.passing and row.passing else row.grpc)


def trailers(fault: Fault) -> list[tuple[str, str]]:
    """Write a fault as the end of a call."""
    written = [
        ("grpc-status", str(status_of(fault).value)),
        ("grpc-message", encode_grpc_message(str(fault)[:LONGEST_TEXT])),
    ]
    values = {
        name: value if isinstance(value, (int, float)) else str(value)
        for name, value in fault.values.items()
    }
    told = _Told(
        fault.kind, fault.text, values, dict(fault.details), fault.retry_after, fault.passing
    )
    data = msgspec.json.encode(told)
    if len(data) <= LONGEST:
        written.append((TRAILER, b64encode(data).rstrip(b"=").decode()))
    return written


def restored(headers: Mapping[str, str]) -> Fault | None:
    """Read how a call ended; None: well."""
    try:
        status = Status(int(headers.get("grpc-status", "")))
    except ValueError:
        status = Status.UNKNOWN
    if status is Status.OK:
        return None
    try:
        raw = headers.get(TRAILER, "")
        told = _decoder.decode(b64decode(raw + "=" * (-len(raw) % 4)))
        fault = Fault(
            told.kind,
            told.text,
            details=told.details,
            retry_after=told.retry_after,
            passing=told.passing,
            **told.values,
        )
    except (msgspec.MsgspecError, ValueError, LookupError, TypeError):
        # Not one of ours, or a fault whose text is no template of its values.
        text = decode_grpc_message(headers.get("grpc-message", ""))[:LONGEST_TEXT]
        passing = status is Status.ABORTED
        return Fault(NEAREST[status], "{said}", said=text or status.name, passing=passing)
    return fault
