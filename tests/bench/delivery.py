"""What the bench of relays measures, and what to know of its figures."""

from tests.bench.ratio import Spread
from tests.bench.result import Result
from tests.bench.sheet import Runs, Sheet, Side
from tests.bench.switches import OURS

FULL = 0.9
"""A load that was busier than this may have been what could not go faster."""
SHEET = Sheet(
    ours=OURS.name,
    sides={
        "rate": Side("delivered", "/s", compared=True, more=True),
        "cost": Side("processor of the relay", "µs a frame", compared=True, more=False),
        "p50": Side("p50", "ms", compared=True, more=False),
        "p99": Side("p99", "ms", compared=True, more=False),
        "late99": Side("load late, p99", "ms"),
        "busy": Side("load busy", "of a core"),
    },
)
NOTES = (
    "Each relay is one process, on a core with all of its threads; one load for all of them is on "
    "another. Frames are delivered while a few are in flight, one of each sender at least; "
    '"processor" is what that costs the relay\'s process. p50 and p99 count from the send to the '
    "reader's call, at an even rate that waits for nobody. Every frame is numbered: one that is "
    "lost, doubled or out of order leaves a course without figures. In a fan-out of ours the "
    "readers are all sockets of a user whom the sender names. Ours and those that read write the "
    "sender into each frame, so they send more bytes than they get: ours about 200."
)


def course(how: str, connections: int) -> str:
    """Name a course."""
    return f"{how}, {connections} connections"


def remarks(runs: Runs, result: Result) -> list[str]:
    """Say where the load was at its end, and who has no figure."""
    full = [
        f"{name}, {taken}: the load itself was busy to {middle:.0%}, so more may be in this relay"
        for (name, taken), sides in runs.items()
        if sides.get("busy") and (middle := Spread.of(sides["busy"]).middle) > FULL
    ]
    return full + [f"{who}: {why}" for who, why in result.skipped.items()]
