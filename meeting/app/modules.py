"""The modules of the house by name, and the one map of what must run before what."""

from collections.abc import Mapping
from graphlib import TopologicalSorter

STORES = "stores"
PEERS = "peers"
ENGINE = "engine"
USER = "user"
MEETING = "meeting"
SIGNALING = "signaling"
MEDIA = "media"
AI = "ai"
NOTIFICATION = "notification"
WORKERS = "workers"
PORTS = "ports"

AFTER: Mapping[str, tuple[str, ...]] = {
    STORES: (),
    PEERS: (),
    ENGINE: (),
    USER: (STORES,),
    MEETING: (STORES, PEERS, USER),
    SIGNALING: (STORES, PEERS, USER, MEETING),
    MEDIA: (STORES, PEERS),
    AI: (STORES, PEERS, ENGINE, USER, MEETING),
    NOTIFICATION: (STORES, PEERS, USER, SIGNALING),
    WORKERS: (STORES, USER, MEETING),
    PORTS: (USER, MEETING, SIGNALING, MEDIA, AI, NOTIFICATION),
}

DOMAINS = (USER, MEETING, SIGNALING, MEDIA, AI, NOTIFICATION)
"""The parts that a process can be made of, but for the gateway."""
GATEWAY = "gateway"


def order(after: Mapping[str, tuple[str, ...]] = AFTER) -> list[str]:
    """Return the modules in start-up order; a `CycleError` names the circle if there is one."""
    return list(TopologicalSorter(after).static_order())
