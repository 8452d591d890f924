"""The policy table: every route has a row, and every path finds its own."""

import pytest
from litestar import get

from meeting.kernel.clock import SystemClock
from meeting.kernel.errors import Fault, Kind
from meeting.kernel.ids import MAX_ID
from meeting.transports.http.app import _litestar, served
from meeting.transports.match import Table
from meeting.transports.policy import (
    BARE,
    OWNED,
    POLICY,
    PREFIX,
    Domain,
    Who,
    owners,
    rows,
    whole,
)


def test_only_the_contract_s_routes_are_open() -> None:
    """Nothing is open but registration, login, refresh, health, ready, metrics and the schema."""
    assert {route for route, rule in whole().items() if rule.who is Who.OPEN} == {
        ("POST", "/api/v1/auth/register"),
        ("POST", "/api/v1/auth/login"),
        ("POST", "/api/v1/auth/refresh"),
        ("GET", "/health"),
        ("GET", "/ready"),
        ("GET", "/metrics"),
        ("GET", "/schema"),
    }


def test_a_route_without_a_row_does_not_land() -> None:
    """An app with a route that the table does not know refuses to be built, by name."""

    @get("/secrets")
    async def secrets() -> dict[str, str]:
        return {}

    found = served(_litestar([secrets], (), (), SystemClock()))
    with pytest.raises(LookupError, match=r"policy\.py.*GET.*/api/v1/secrets"):
        rows(found)


def test_every_route_has_one_owner() -> None:
    """All but the bare routes, which are every port's own; no two domains have the same route."""
    assert set(owners()) == set(whole()) - set(BARE)
    assert sum(len(table) for table in OWNED.values()) == len(POLICY)


def test_a_port_serves_its_own_domain_alone() -> None:
    """An app with a route that another domain owns refuses to be built, by name."""
    own, foreign = ("GET", f"{PREFIX}/users/profile"), ("GET", f"{PREFIX}/meetings")
    assert set(rows([own, ("GET", "/health")], [Domain.USER])) == {own, ("GET", "/health")}
    with pytest.raises(LookupError, match=r"others own.*user.*GET.*/api/v1/meetings"):
        rows([own, foreign], [Domain.USER])


@pytest.mark.parametrize(
    ("path", "template"),
    [
        ("/meetings", "/meetings"),
        ("/meetings/7", "/meetings/{meeting_id}"),
        ("/meetings/7/start", "/meetings/{meeting_id}/start"),
        ("/ai/analysis/7", "/ai/analysis/{meeting_id}"),
    ],
)
def test_a_path_finds_its_template(path: str, template: str) -> None:
    """Fixed paths and paths with an id are told apart."""
    match = Table(whole()).find(PREFIX + path)
    assert match.template == PREFIX + template
    match.check()


@pytest.mark.parametrize("path", ["", "/meetings//", "/meetings/7/8/start", "/csrf-token", "/x"])
def test_an_unknown_path_is_nobody_s(path: str) -> None:
    """A path without row is not open, and is not found whatever the method."""
    match = Table(whole()).find(PREFIX + path)
    assert not match.open
    with pytest.raises(Fault) as caught:
        match.rule("GET")
    assert caught.value.kind is Kind.NOT_FOUND


def test_another_method_is_told_which_are_there() -> None:
    """A known path by a wrong method says what it takes."""
    with pytest.raises(Fault) as caught:
        Table(whole()).find(f"{PREFIX}/meetings").rule("DELETE")
    assert caught.value.kind is Kind.METHOD_NOT_ALLOWED
    assert caught.value.details == {"method": "GET, POST"}


@pytest.mark.parametrize(
    "value", ["0", "07", "1_0", "+1", "1.0", "٣", "x", str(MAX_ID + 1), "9" * 99]
)
def test_what_can_t_be_an_id_is_refused(value: str) -> None:
    """An id in a path is a number from 1 to 2**32 - 2, written plainly."""
    with pytest.raises(Fault) as caught:
        Table(whole()).find(f"{PREFIX}/meetings/{value}").check()
    assert caught.value.details == {"meeting_id": f"must be 1 to {MAX_ID}"}
