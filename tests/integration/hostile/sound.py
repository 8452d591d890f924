"""Hypothesis strategies for WAV files that are almost right."""

import struct
from typing import Any, NamedTuple

from hypothesis import strategies as st

PCM, FLOAT, ALAW, EXTENSIBLE = 1, 3, 6, 0xFFFE
GUID = bytes.fromhex("0000000010008000 00aa00389b71".replace(" ", ""))
"""What follows the code in the GUID of a plain format."""

ODD = (0, 1, 2, 3, 7, 8, 9, 16, 0x7FFF, 0xFFFF, 8000, 2**31 - 1, 2**31, 2**32 - 1)
SHORT = st.sampled_from([number & 0xFFFF for number in ODD]) | st.integers(0, 0xFFFF)
LONG = st.sampled_from(ODD) | st.integers(0, 2**32 - 1)


class Wav(NamedTuple):
    """The fields of a small WAV file; as they stand by default they agree."""

    code: int = PCM
    channels: int = 1
    rate: int = 16_000
    bits: int = 16
    align: int | None = None
    speed: int | None = None
    extension: bytes | None = None
    form: bytes = b"RIFF"
    kind: bytes = b"WAVE"
    size: int | None = None
    format_size: int | None = None
    data_size: int | None = None
    before: tuple[bytes, ...] = ()
    """Chunks before the format."""
    between: tuple[bytes, ...] = ()
    """Chunks before the samples."""
    data: bytes = bytes(320)

    def written(self) -> bytes:
        """Write the file."""
        align = self.channels * self.bits // 8 if self.align is None else self.align
        speed = self.rate * align if self.speed is None else self.speed
        numbers = (self.code, self.channels, self.rate, speed & 0xFFFFFFFF, align & 0xFFFF)
        head = struct.pack("<HHIIHH", *numbers, self.bits)
        if self.extension is not None:
            head += struct.pack("<H", len(self.extension)) + self.extension
        parts = [*self.before, chunk(b"fmt ", head, self.format_size), *self.between]
        body = b"".join([*parts, chunk(b"data", self.data, self.data_size)])
        size = len(body) + 4 if self.size is None else self.size
        return self.form + struct.pack("<I", size) + self.kind + body


def chunk(name: bytes, body: bytes, size: int | None = None) -> bytes:
    """Write a chunk, which may lie about its size."""
    padding = b"\0" if len(body) % 2 else b""
    return name + struct.pack("<I", len(body) if size is None else size) + body + padding


CHUNKS = st.builds(
    chunk,
    st.sampled_from([b"LIST", b"fact", b"JUNK", b"fmt ", b"data", b"\0\0\0\0"]),
    st.binary(max_size=20),
    st.none() | LONG,
)
EXTENSIONS = st.one_of(
    st.binary(max_size=24),
    st.builds(
        lambda bits, mask, code, tail: struct.pack("<HIH", bits, mask, code) + tail,
        SHORT,
        LONG,
        st.sampled_from([PCM, FLOAT, ALAW, 0]),
        st.sampled_from([GUID, GUID[:-1], GUID[::-1]]),
    ),
)
FIELDS: dict[str, st.SearchStrategy[Any]] = {
    "code": st.sampled_from([PCM, FLOAT, ALAW, EXTENSIBLE, EXTENSIBLE]) | SHORT,
    "channels": st.integers(0, 9) | SHORT,
    "rate": st.sampled_from([0, 7_999, 8_000, 11_025, 44_100, 192_000, 192_001]) | LONG,
    "bits": st.sampled_from([0, 1, 8, 12, 16, 24, 32, 64]) | SHORT,
    "align": SHORT,
    "speed": LONG,
    "extension": EXTENSIONS,
    "form": st.sampled_from([b"RIFX", b"RF64", b"riff", b"OggS"]),
    "kind": st.sampled_from([b"AVI ", b"wave", b"\0\0\0\0"]),
    "size": LONG,
    "format_size": LONG | st.integers(0, 41),
    "data_size": LONG | st.integers(0, 400),
    "before": st.lists(CHUNKS, max_size=3).map(tuple) | CHUNKS.map(lambda one: (one,) * 1100),
    "between": st.lists(CHUNKS, max_size=3).map(tuple),
    "data": st.sampled_from([b"", b"\0", b"\xff\x7f" * 99, b"\0\0\xc0\x7f" * 40, b"\0\x80" * 9]),
}


@st.composite
def wavs(draw: st.DrawFn) -> bytes:
    """Draw a file with up to three fields changed, and perhaps bytes cut off or turned."""
    names = draw(st.lists(st.sampled_from(sorted(FIELDS)), max_size=3, unique=True))
    whole = Wav()._replace(**{name: draw(FIELDS[name]) for name in names}).written()
    match draw(st.integers(0, 5)):
        case 0:
            return whole[: draw(st.integers(0, min(len(whole), 60)))]
        case 1:
            at = draw(st.integers(0, 47))
            return whole[:at] + draw(st.binary(max_size=4)) + whole[at + 1 :]
    return whole
