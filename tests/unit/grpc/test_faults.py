"""Faults over gRPC: the contract's status, and the same fault again on the other side."""

from typing import Any

import pytest
from grpclib.const import Status
from hypothesis import given, strategies as st

from meeting.kernel.errors import ERRORS, Fault, Kind, invalid
from meeting.transports.grpc.codec import Malformed
from meeting.transports.grpc.faults import (
    LONGEST,
    LONGEST_TEXT,
    TRAILER,
    fault_of,
    restored,
    status_of,
    trailers,
)

STATUSES = {
    "INVALID_ARGUMENT": "validation unsupported_format",
    "UNAUTHENTICATED": "bad_credentials unauthenticated token_expired",
    "PERMISSION_DENIED": "forbidden bad_meeting_password",
    "NOT_FOUND": "user_not_found meeting_not_found not_found",
    "UNIMPLEMENTED": "method_not_allowed",
    "ALREADY_EXISTS": "exists",
    "FAILED_PRECONDITION": "meeting_ended meeting_full meeting_not_started ai_disabled conflict "
    "ai_unavailable",
    "RESOURCE_EXHAUSTED": "too_large rate_limited",
    "INTERNAL": "internal ai_failed",
    "UNAVAILABLE": "unavailable",
    "DEADLINE_EXCEEDED": "deadline",
}
"""The column of the contract's error table."""

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=5,
)


def same(fault: Fault, other: Fault | None) -> None:
    """Compare two faults in all that they say."""
    assert other is not None
    assert str(other) == str(fault)
    assert vars(other) == vars(fault) | {"details": dict(fault.details)}


def test_each_kind_has_the_contracts_status() -> None:
    """Each kind of error has the status of the table; what is over soon has its own, if any."""
    wanted = {Kind(kind): name for name, kinds in STATUSES.items() for kind in kinds.split()}
    assert wanted.keys() == ERRORS.keys() == set(Kind)
    for kind, name in wanted.items():
        assert status_of(Fault(kind, "")).name == name
    passing = {kind: status_of(Fault(kind, "", passing=True)).name for kind in Kind}
    own = {Kind.CONFLICT: "ABORTED", Kind.AI_UNAVAILABLE: "UNAVAILABLE"}
    assert passing == wanted | own


@given(
    kind=st.sampled_from(Kind),
    word=st.text(max_size=50),
    details=st.dictionaries(st.text(max_size=20), JSON, max_size=4),
    retry_after=st.none() | st.integers(1, 100),
    passing=st.booleans(),
)
def test_a_fault_comes_out_as_it_went_in(
    kind: Kind, word: str, details: Any, retry_after: int | None, *, passing: bool
) -> None:
    """Kind, text, values, details and the rest survive the way."""
    fault = Fault(
        kind,
        "{word}: it has to be {number}",
        details=details,
        retry_after=retry_after,
        passing=passing,
        word=word,
        number=3,
    )
    same(fault, restored(dict(trailers(fault))))


def test_a_text_with_braces_is_no_template() -> None:
    """A text without values is taken as it is."""
    same(
        Fault(Kind.CONFLICT, "{not} a {template"),
        restored(dict(trailers(Fault(Kind.CONFLICT, "{not} a {template")))),
    )


def test_a_long_fault_is_cut() -> None:
    """What would be too long for the trailers of a client is told by status and text alone."""
    fault = Fault(Kind.VALIDATION, "x" * 5000, details={"field": "y" * LONGEST})
    written = dict(trailers(fault))
    assert TRAILER not in written
    assert sum(len(name) + len(value) for name, value in written.items()) < 8000
    found = restored(written)
    assert found is not None
    assert (found.kind, str(found)) == (Kind.VALIDATION, "x" * LONGEST_TEXT)


@pytest.mark.parametrize("status", list(Status))
def test_a_foreign_server_is_understood(status: Status) -> None:
    """A status without our trailer becomes the nearest kind, with the text that came."""
    found = restored({"grpc-status": str(status.value), "grpc-message": "so %C3%A4 it {is}"})
    if status is Status.OK:
        assert found is None
        return
    assert found is not None
    assert str(found) == "so ä it {is}"
    if status not in (Status.CANCELLED, Status.UNKNOWN, Status.OUT_OF_RANGE, Status.DATA_LOSS):
        assert status_of(found) is status


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"grpc-status": "99"},
        {"grpc-status": "x"},
        {"grpc-status": "13", TRAILER: "!"},
        {"grpc-status": "13", TRAILER: "e30"},
        {"grpc-status": "13", TRAILER: "eyJraW5kIjoieCIsInRleHQiOiIifQ"},
    ],
)
def test_nonsense_is_internal(headers: dict[str, str]) -> None:
    """An end that says nothing one can read is an error of the server."""
    found = restored(headers)
    assert found is not None
    assert found.kind is Kind.INTERNAL


def test_a_template_that_lacks_values_is_let_be() -> None:
    """A trailer whose text does not fit its values is as good as none."""
    written = dict(trailers(invalid("field", "allowed")))
    broken = dict(trailers(Fault(Kind.VALIDATION, "{other}", other="x")))
    found = restored(written | {TRAILER: broken[TRAILER][:-4]})
    assert found is not None
    assert (found.kind, str(found)) == (Kind.VALIDATION, "field: allowed")


def test_a_message_that_is_none_is_the_callers_fault() -> None:
    """Bytes that are no message are `validation`, and say what is wrong with them."""
    fault = fault_of(Malformed("a text is not UTF-8"))
    assert (fault.kind, "UTF-8" in str(fault)) == (Kind.VALIDATION, True)
