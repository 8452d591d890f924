"""The shape of an answer, of a list in it, and how a route asks for its page."""

import re
from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Generic, TypeVar

import msgspec
from litestar.params import QueryParameter

from meeting.kernel.call import Call
from meeting.kernel.clock import Clock
from meeting.kernel.errors import invalid
from meeting.kernel.page import MAX_SIZE, Found, Page

T = TypeVar("T")
R = TypeVar("R")

_NUMBER = re.compile(r"[0-9]{1,9}")
MESSAGES = {200: "success", 201: "created", 202: "accepted"}


class Envelope(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """Every good answer of REST."""

    code: int
    """The HTTP status again."""
    message: str
    data: T
    timestamp: datetime
    request_id: str


class Paged(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One page of a list."""

    list: list[T]
    total: int
    page: int
    page_size: int
    total_pages: int


class Nothing(msgspec.Struct, frozen=True):
    """An answer that has nothing to say but that it worked: `{}`."""


class Envelopes:
    """Wraps what routes answer, on the clock of the house."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def __call__(self, call: Call, data: T, code: int = 200) -> Envelope[T]:
        """Wrap an answer; `code` is the HTTP status of the route."""
        return Envelope(
            code=code,
            message=MESSAGES[code],
            data=data,
            timestamp=self._clock.now(),
            request_id=call.request_id,
        )


def paged(found: Found[R], page: Page, convert: Callable[[R], T]) -> Paged[T]:
    """Show what was found for a page."""
    return Paged(
        list=[convert(row) for row in found.rows],
        total=found.total,
        page=page.number,
        page_size=page.size,
        total_pages=-(-found.total // page.size),
    )


def wanted(
    number: Annotated[str, QueryParameter(name="page", description="counts from 1")] = "1",
    size: Annotated[str, QueryParameter(name="page_size", description="1 to 100")] = "20",
) -> Page:
    """Read `?page=&page_size=`; injected into routes as the dependency `page`."""
    if not _NUMBER.fullmatch(number):
        raise invalid("page", "must be 1 or more")
    if not _NUMBER.fullmatch(size):
        raise invalid("page_size", f"must be 1 to {MAX_SIZE}")
    return Page(int(number), int(size))
