"""How much the gateway lets through at once, and how long it waits."""

import msgspec

from meeting.transports.http.limits import Limits
from meeting.transports.policy import Load

MEBIBYTE = 2**20


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """Bounds of the gateway; `owners` are those of the ports behind it, which its own exceed."""

    owners: Limits = Limits()
    connections: int = 4096
    """How many clients may be connected beside those that have a WebSocket."""
    sockets: int = 5000
    pool: int = 256
    """Connections to an address of an owner; who finds all in use waits for `connect_seconds`."""
    connect_seconds: float = 2.0
    margin_seconds: float = 5.0
    """How much longer than an owner's own deadline the gateway waits for it."""
    message_bytes: int = MEBIBYTE + 1
    """The longest message of a WebSocket, above what any owner takes."""
    silence_seconds: float = 60.0
    """How long an owner's side of a WebSocket may be silent; owners ping far more often."""
    stall_seconds: float = 30.0
    """How long one message of a WebSocket may wait for a reader that does not read."""
    farewell_seconds: float = 8.0
    """How long a WebSocket stays after a close, so that the other side can read and answer it."""
    schema_seconds: float = 10.0
    """How long what the owners said of their routes is told on."""
    schema_bytes: int = 4 * MEBIBYTE

    def silence(self, load: Load) -> float:
        """Return how long an owner may say nothing to a request that it has got."""
        return self.owners.seconds(load) + self.margin_seconds

    def whole(self, load: Load) -> float:
        """Return how long a request may take, from its head to the end of the answer."""
        return self.connect_seconds + self.owners.body_seconds + self.silence(load)
