"""Requests a minute."""

from datetime import timedelta

import pytest

from meeting.kernel.errors import Fault, Kind
from meeting.transports.http import limits
from meeting.transports.http.limits import Window, neighbourhood
from tests.clock import MovingClock


def test_a_window_lets_so_many_through_and_opens_again() -> None:
    """The request after the last is refused with the seconds to wait, and passes after them."""
    clock = MovingClock()
    window = Window(3, clock)
    for _ in range(3):
        window.spend("alice")
    clock.move(timedelta(seconds=20))
    with pytest.raises(Fault) as caught:
        window.spend("alice")
    assert caught.value.kind is Kind.RATE_LIMITED
    assert caught.value.retry_after == 40
    window.spend("bob")
    clock.move(timedelta(seconds=40))
    window.spend("alice")


def test_the_memory_of_a_window_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """However many keys come, only the newest are held."""
    monkeypatch.setattr(limits, "KEPT", 100)
    window = Window(1, MovingClock())
    for number in range(1000):
        window.spend(str(number))
    assert len(window._spent) == 100


@pytest.mark.parametrize(
    ("address", "whole"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("", ""),
        ("unix", "unix"),
    ],
)
def test_an_ipv6_host_is_one_however_many_addresses_it_has(address: str, whole: str) -> None:
    """A /64 counts as one address, IPv4 as it is, and nonsense as itself."""
    assert neighbourhood(address) == whole
