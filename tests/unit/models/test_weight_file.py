"""The reader of CTranslate2's weight file on good, cut and lying files."""

import struct

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from meeting.models.conversion.ctranslate import Weights
from meeting.models.errors import ConversionError
from tests.unit.models import tinywhisper as tiny

SMALL = tiny.pack(
    {
        "a/weight": np.arange(6, dtype=np.float16).reshape(2, 3),
        "b": np.array(-5, np.int16),
        "c": np.array([1.5], np.float32),
    },
    {"d": "a/weight"},
)
# where the first variable's rank lies, behind the header and the name
RANK = 4 + len(tiny.text("WhisperSpec")) + 8 + len(tiny.text("a/weight"))


def read(data: bytes) -> Weights:
    """Parse bytes."""
    return Weights(memoryview(data))


def test_variables_and_aliases_are_read() -> None:
    """Names, shapes, types and values come out as they were written."""
    found = read(SMALL)
    assert (found.spec, found.revision) == ("WhisperSpec", 3)
    np.testing.assert_array_equal(found.array("a/weight", (2, 3)), [[0, 1, 2], [3, 4, 5]])
    np.testing.assert_array_equal(found.array("d"), found.array("a/weight"))
    assert found.scalar("b") == -5
    assert found.array("c").tolist() == [1.5]


def test_every_cut_and_every_addition_is_refused() -> None:
    """The file must end exactly where its counts say."""
    for end in range(len(SMALL)):
        with pytest.raises(ConversionError):
            read(SMALL[:end])
    with pytest.raises(ConversionError, match="should end at byte"):
        read(SMALL + b"\0")


def lie(at: int, value: bytes) -> bytes:
    """The small file with some bytes replaced."""
    return SMALL[:at] + value + SMALL[at + len(value) :]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (lie(0, struct.pack("<I", 7)), "format version 7"),
        (lie(RANK - len(tiny.text("a/weight")) - 4, b"\xff" * 4), "claims 4294967295 variables"),
        (lie(RANK, b"\xff"), "claims 255 dimensions"),
        (lie(RANK + 1, struct.pack("<II", 2**32 - 1, 2**32 - 1)), "bytes for the shape"),
        (lie(RANK + 9, b"\x09"), "unknown type 9"),
        (lie(RANK + 10, struct.pack("<I", 2**32 - 1)), "4294967295 bytes for the shape"),
        (lie(4, struct.pack("<H", 65535)), "ends at byte"),
        (lie(6, b"\xff"), "no well-formed name"),
        (tiny.pack({"a": np.array(1, np.int8)}, {"a": "a"}), "bad alias"),
        (tiny.pack({"a": np.array(1, np.int8)}, {"b": "z"}), "bad alias"),
        (b"", "ends at byte 0"),
    ],
)
def test_lying_counts_are_refused(data: bytes, words: str) -> None:
    """A count that the file does not bear out is an error that names it."""
    with pytest.raises(ConversionError, match=words):
        read(data)


def test_a_shape_that_multiplies_to_the_right_size_by_overflow_is_refused() -> None:
    """Dimensions are multiplied without a machine word's wrap-around."""
    body = struct.pack("<BIIBI", 2, 2**31, 2**31, 4, 0)
    data = SMALL[: RANK - len(tiny.text("a/weight")) - 4]
    data += struct.pack("<I", 1) + tiny.text("x") + body + struct.pack("<I", 0)
    with pytest.raises(ConversionError, match="0 bytes for the shape"):
        read(data)


def test_a_wrong_question_is_an_error() -> None:
    """An absent name, another shape, or a number that is none is told by name."""
    found = read(SMALL)
    for ask in (
        lambda: found.array("nothing"),
        lambda: found.array("a/weight", (3, 2)),
        lambda: found.scalar("a/weight"),
    ):
        with pytest.raises(ConversionError, match=r"nothing|a/weight"):
            ask()


@settings(max_examples=300, deadline=None)
@given(at=st.integers(0, len(SMALL) - 1), value=st.binary(min_size=1, max_size=8))
def test_no_damage_gives_another_error(at: int, value: bytes) -> None:
    """Whatever bytes are damaged, the reader reads on or says so; it never crashes."""
    try:
        found = read(lie(at, value)[: len(SMALL)])
    except ConversionError:
        return
    for name in found.variables:
        found.array(name)
