"""Which relays are compared, and what each promises: without that a figure says nothing."""

import msgspec


class Switch(msgspec.Struct, frozen=True, kw_only=True):
    """A relay under measurement."""

    name: str
    script: str
    """The peer's; nothing: `meeting serve`."""
    variant: str = ""
    credential: str = "no"
    """What a client has to show, and what ends its socket once it is revoked."""
    rooms: str = "no: partners"
    """Whether a frame finds its addressee among those of a room; else it is said at the connect."""
    sender: str = "not told"
    """Who, by the server's word, a frame is from."""
    read: str = "no"
    """Whether a frame is looked at before it goes on."""
    slow: str
    """What becomes of who does not read."""
    rate: str = "no"
    numbered: str = "no"
    """Whether each reader can tell that it missed none."""
    source: str
    """Where that is said: a page, or a file of the pinned release that was read."""


READS = {
    "rooms": "yes",
    "sender": "peer",
    "read": "as JSON",
}
ENDLESS = "waits without bound"
STALLS = "stalls its senders"
OURS = Switch(
    name="ours",
    script="",
    credential="token",
    rooms="yes",
    sender="user, peer, session",
    read="strictly",
    slow="closed at 2048 frames or 4 MiB",
    rate="yes, here 100,000/s",
    numbered="yes",
    source="meeting/domains/signaling/session.py, outgoing.py, dialogue.py",
)
SWITCHES = (
    OURS,
    Switch(
        name="aiohttp, bare",
        script="aiohttp",
        variant="bare",
        slow=STALLS,
        source="tests/bench/peers/aiohttp.py; aiohttp/_websocket/writer.py",
    ),
    Switch(
        name="aiohttp, reads",
        script="aiohttp",
        variant="reads",
        slow=STALLS,
        source="tests/bench/peers/aiohttp.py; aiohttp/_websocket/writer.py",
        **READS,
    ),
    Switch(
        name="node ws, bare",
        script="ws",
        variant="bare",
        slow=ENDLESS,
        source="tests/bench/peers/ws/ws.mjs; ws's README and lib/sender.js",
    ),
    Switch(
        name="node ws, reads",
        script="ws",
        variant="reads",
        slow=ENDLESS,
        source="tests/bench/peers/ws/ws.mjs; ws's README and lib/sender.js",
        **READS,
    ),
    Switch(
        name="picows, bare",
        script="picows",
        slow=ENDLESS,
        source="tests/bench/peers/picows.py; the documentation of picows",
    ),
)
"""The last is there for the load: what it reaches with that one it could reach with all."""
