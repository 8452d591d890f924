"""The modules of the house by name, and the one map of what must run before what."""

from collections.abc import Mapping
from graphlib import TopologicalSorter

STORES = "stores"
ENGINE = "engine"
USER = "user"
MEETING = "meeting"
SIGNALING = "signaling"
AI = "ai"
NOTIFICATION = "notification"
WORKERS = "workers"
PORTS = "ports"

AFTER: Mapping[str, tuple[str, ...]] = {
    STORES: (),
    ENGINE: (),
    USER: (STORES,),
    MEETING: (STORES, USER),
    SIGNALING: (STORES, USER, MEETING),
    AI: (STORES, ENGINE, USER, MEETING),
    NOTIFICATION: (STORES, USER, SIGNALING),
    WORKERS: (STORES, USER, MEETING),
    PORTS: (USER, MEETING, SIGNALING, AI, NOTIFICATION),
}


def order(after: Mapping[str, tuple[str, ...]] = AFTER) -> list[str]:
    """Return the modules in start-up order; a `CycleError` names the circle if there is one."""
    return list(TopologicalSorter(after).static_order())
