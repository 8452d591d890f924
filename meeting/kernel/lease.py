"""The rules of a lease, which every adapter of `Leases` follows: pure functions, no I/O.

A lease says who holds a key until when. Its fence is higher than that of every hold before it
on the key, also of those given back since, so that whoever was cut off and comes back with an
old fence is refused, whatever its clock says.
"""

from datetime import datetime, timedelta
from typing import Any

import msgspec

LONGEST_KEY = 200
LONGEST_OWNER = 64


class Lease(msgspec.Struct, frozen=True, kw_only=True):
    """Somebody's hold on a key. `value` is whatever the holder wants others to see."""

    key: str
    owner: str
    fence: int
    expires_at: datetime
    value: dict[str, Any] = {}

    def lives(self, now: datetime) -> bool:
        """Tell whether the hold is still good; at the moment of expiry it is over."""
        return now < self.expires_at


def fit(key: str, owner: str) -> None:
    """Refuse names that are longer than every store has room for; a defect of whoever made them."""
    if len(key) > LONGEST_KEY or len(owner) > LONGEST_OWNER:
        raise ValueError(f"a lease's key or owner is too long: {len(key)}, {len(owner)} characters")


def free(current: Lease | None, owner: str, now: datetime) -> bool:
    """Tell whether `owner` may take a key: nobody holds it, or `owner` itself does.

    The holder itself may take again (a restart of its work): it too gets a new fence.
    """
    return current is None or not current.lives(now) or current.owner == owner


def renew(current: Lease | None, held: Lease, *, ttl: timedelta, now: datetime) -> Lease | None:
    """Extend a hold; None when it is over, was taken by another, or was released."""
    if current is None or not current.lives(now) or not same(current, held):
        return None
    return msgspec.structs.replace(current, expires_at=now + ttl)


def same(current: Lease, held: Lease) -> bool:
    """Tell whether `held` is the hold that the store knows, not an older one on the same key."""
    return current.owner == held.owner and current.fence == held.fence
