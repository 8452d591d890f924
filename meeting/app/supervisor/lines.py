"""What children write, cut into lines of a bounded length, each said to be of whom."""

from collections.abc import Iterator
from typing import Any

import msgspec

from meeting.kernel.clock import Clock, rfc3339

LONGEST_LINE = 64 * 1024
"""Bytes; what is beyond is thrown away, and the line says how much."""


class Lines:
    """Takes pieces as they come and gives whole lines; holds one line at most."""

    def __init__(self, longest: int = LONGEST_LINE) -> None:
        self._longest = longest
        self._held = bytearray()
        self._cut = 0

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Take a piece; give the lines that it ends, without their ends."""
        *whole, rest = piece.split(b"\n")
        for part in whole:
            self._hold(part)
            yield self._take()
        self._hold(rest)

    def end(self) -> Iterator[bytes]:
        """Give what was left without an end."""
        if self._held:
            yield self._take()

    def _hold(self, part: bytes) -> None:
        room = self._longest - len(self._held)
        self._held += part[:room]
        self._cut += max(len(part) - room, 0)

    def _take(self) -> bytes:
        line = bytes(self._held).rstrip(b"\r")
        if self._cut:
            line += f" … {self._cut} bytes cut".encode()
        self._held.clear()
        self._cut = 0
        return line


def entry(part: str, line: bytes, clock: Clock) -> dict[str, Any]:
    """Read a line of a child as an entry of the log: JSON as it is, anything else as its event."""
    try:
        found = msgspec.json.decode(line, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError):
        text = line.decode(errors="replace")
        found = {"event": text, "level": "info", "timestamp": rfc3339(clock.now())}
    found.pop("part", None)  # whose it is, a child does not say of itself
    return {"part": part, **found}
