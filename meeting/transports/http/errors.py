"""What an exception means over HTTP: whatever was raised becomes a `Fault`."""

import re
from collections.abc import Callable
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException, NotFoundException, ValidationException

from meeting.kernel.clock import Clock
from meeting.kernel.errors import ERRORS, Fault, Kind
from meeting.transports.http.refusal import refusal

log = structlog.get_logger(__name__)

SERVER_ERROR = 500
_MISSING = re.compile(r"Object missing required field `(\w+)`")
_LONGEST = 200


def fault_of(error: Exception) -> Fault:
    """Say what an exception means to the caller; what nobody foresaw is logged and `internal`."""
    match error:
        case Fault():
            if error.__cause__ is not None and ERRORS[error.kind].http >= SERVER_ERROR:
                _explain(error.kind, error.__cause__)
            return error
        case ValidationException():
            return _validation(error)
        case NotFoundException():
            return Fault(Kind.NOT_FOUND, "there is no such route; GET /schema lists them")
        case HTTPException() if error.status_code < SERVER_ERROR:
            return malformed(error.detail)
        case _:
            log.error("request failed", exc_info=error)
            return Fault(Kind.INTERNAL, "something broke here; the log has it under the request id")


def _explain(kind: Kind, cause: BaseException) -> None:
    """Log what is behind a failure of ours, such as a full disk, which no caller is told."""
    first = next(iter(str(cause).splitlines()), "")  # an SQL error goes on with the statement
    log.warning("request failed", kind=kind, cause=f"{type(cause).__name__}: {first[:_LONGEST]}")


def malformed(reason: str) -> Fault:
    """Refuse a body that is no JSON of ours."""
    return Fault(
        Kind.VALIDATION,
        "the body is not JSON as it should be: {reason}",
        details={"body": reason[:_LONGEST]},
        reason=reason[:_LONGEST],
    )


def handler(
    request_id: Callable[[Any], str], clock: Clock
) -> Callable[[Request[Any, Any, Any], Exception], Response[bytes]]:
    """Make the app's one exception handler; `request_id` finds the id in a request's scope."""

    def handle(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
        language = request.headers.get("accept-language", "")
        said = refusal(fault_of(error), request_id(request.scope), clock.now(), language)
        return Response(
            said.body,
            status_code=said.status,
            headers={name.decode(): value.decode() for name, value in said.headers},
        )

    return handle


def _validation(error: ValidationException) -> Fault:
    """Name the fields that are wrong, and what each may be."""
    details: dict[str, str] = {}
    extra = error.extra if isinstance(error.extra, list) else []
    for found in extra:
        field, allowed = str(found.get("key", "body")), str(found.get("message", ""))
        if field == "data":
            field, allowed = "body", "a JSON object is required" if allowed == "'data'" else allowed
        if missing := _MISSING.search(allowed):
            field = missing[1] if field == "body" else f"{field}.{missing[1]}"
            allowed = "is required"
        details[field] = allowed[:_LONGEST]
    if not details:
        return malformed(error.detail)
    text = "; ".join(f"{field}: {allowed}" for field, allowed in details.items())
    return Fault(Kind.VALIDATION, "{fields}", details=details, fields=text)
