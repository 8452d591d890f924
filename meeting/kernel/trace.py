"""Where a request goes: a span for each request and for each call from domain to domain.

The spans go nowhere unless whoever runs this process installs a provider of OpenTelemetry, such as
its own agent does; tests keep them in memory. They name no user and carry no payload.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from opentelemetry import propagate, trace
from opentelemetry.context import Context
from opentelemetry.util.types import Attributes

from meeting.kernel.call import Call

DEPTH = "meeting.depth"
"""The attribute that says how many calls led to a span's work; 0: none, somebody from outside."""

_tracer = trace.get_tracer("meeting")


@contextmanager
def span(name: str, call: Call, came: Context | None = None) -> Iterator[None]:
    """Note work that is done for a call; `came` is where a span of another process is known."""
    attributes: Attributes = {DEPTH: call.depth, "meeting.request_id": call.request_id}
    with _tracer.start_as_current_span(name, context=came, attributes=attributes):
        yield


def outward() -> Mapping[str, str]:
    """Return the headers (W3C trace context) that tell another process of the present span."""
    headers: dict[str, str] = {}
    propagate.inject(headers)
    return headers


def inward(headers: Mapping[str, str]) -> Context:
    """Read such headers; what is none of these is ignored."""
    return propagate.extract(headers)
