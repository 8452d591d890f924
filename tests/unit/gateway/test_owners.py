"""The order in which the addresses of an owner are tried."""

import pytest

from meeting.transports.gateway.owners import Ring
from meeting.transports.policy import Domain


def test_requests_stay_with_the_address_that_answers() -> None:
    """Who was away is asked again only when the others are."""
    ring = Ring(Domain.USER, ["http://a/", "http://b", "http://c"])
    assert list(ring.steady()) == list(ring.steady()) == ["http://a", "http://b", "http://c"]
    ring.reached("http://b")
    assert list(ring.steady()) == ["http://b", "http://c", "http://a"]


def test_sockets_go_round() -> None:
    """Each begins with the next address."""
    ring = Ring(Domain.SIGNALING, ["a", "b"])
    firsts = []
    for _ in range(4):
        first = next(ring.spread())
        ring.reached(first)
        firsts.append(first)
    assert firsts == ["b", "a", "b", "a"]


def test_an_owner_has_an_address() -> None:
    """None at all is a mistake of the settings."""
    with pytest.raises(ValueError, match="media"):
        Ring(Domain.MEDIA, [])
