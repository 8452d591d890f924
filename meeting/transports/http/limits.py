"""How much a client may ask for: sizes of bodies, and requests a minute."""

import ipaddress
import math
from collections import OrderedDict

import msgspec

from meeting.kernel.clock import Clock
from meeting.kernel.errors import Fault, Kind
from meeting.transports.policy import Load

MEBIBYTE = 2**20
MINUTE = 60.0
KEPT = 65_536
IPV6 = 6


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of the HTTP port; each is a setting."""

    json_bytes: int = MEBIBYTE
    ai_bytes: int = 40 * MEBIBYTE
    bodies_bytes: int = 320 * MEBIBYTE
    """What all bodies that are being read or answered may hold together."""
    body_seconds: float = 60.0
    """How long a client may take to send a body."""
    json_seconds: float = 30.0
    speech_seconds: float = 120.0
    picture_seconds: float = 10.0
    per_user: int = 600
    per_account: int = 10
    per_address: int = 60

    def size(self, load: Load) -> int:
        """Return the bound of a body in bytes."""
        return self.json_bytes if load is Load.JSON else self.ai_bytes

    def seconds(self, load: Load) -> float:
        """Return how long a route may take; infinite where a person at a debugger is waited for."""
        match load:
            case Load.JSON:
                return self.json_seconds
            case Load.SPEECH:
                return self.speech_seconds
            case Load.PICTURE:
                return self.picture_seconds
            case Load.STREAM:
                return math.inf


class Window:
    """Counts what each key did in the minute that began with its first request.

    Holds the newest 65,536 keys; within one window a key never gets more than `limit`.
    """

    def __init__(self, limit: int, clock: Clock) -> None:
        self._limit = limit
        self._clock = clock
        self._spent: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def spend(self, key: str) -> None:
        """Count one request, or refuse it as `rate_limited` until the window is over."""
        now = self._clock.monotonic()
        began, count = self._spent.get(key, (now, 0))
        if now - began >= MINUTE:
            self._spent.pop(key)
            began, count = now, 0
        if count >= self._limit:
            wait = max(1, math.ceil(began + MINUTE - now))
            raise Fault(
                Kind.RATE_LIMITED,
                "too many requests; try again in {seconds} s",
                retry_after=wait,
                seconds=wait,
            )
        self._spent[key] = (began, count + 1)
        while len(self._spent) > KEPT:
            self._spent.popitem(last=False)


def neighbourhood(address: str) -> str:
    """Return what counts as one address: an IPv4 address, or the /64 that an IPv6 host owns."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == IPV6:
        return str(ipaddress.ip_network((parsed.packed[:8] + bytes(8), 64)))
    return address
