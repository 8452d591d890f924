"""Which frames of a client are masked."""

import pytest
from hypothesis import given, strategies as st

from meeting.transports.websocket.masks import Masks


def frame(size: int, *, masked: bool = True) -> bytes:
    """Write a text frame of so many bytes."""
    mask = 0x80 if masked else 0
    if size < 126:
        head = bytes([0x81, mask | size])
    elif size < 2**16:
        head = bytes([0x81, mask | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([0x81, mask | 127]) + size.to_bytes(8, "big")
    return head + (b"\x01\x02\x03\x04" if masked else b"") + bytes(size)


SIZES = st.lists(st.sampled_from([0, 1, 125, 126, 127, 300, 65_535, 65_536, 70_000]), max_size=4)
CUTS = st.lists(st.integers(1, 40_000), min_size=1, max_size=20)


def parts(data: bytes, cuts: list[int]) -> list[bytes]:
    """Cut bytes as a network may."""
    found = []
    for size in cuts:
        found.append(data[:size])
        data = data[size:]
    return [*found, data]


@given(SIZES, CUTS)
def test_masked_frames_pass_however_they_are_cut(sizes: list[int], cuts: list[int]) -> None:
    """Nothing in a payload is taken for the beginning of a frame."""
    masks = Masks()
    sent = b"".join(frame(size) for size in sizes)
    assert not any(masks.broken(part) for part in parts(sent, cuts))


@given(SIZES, CUTS, st.sampled_from([0, 5, 126, 70_000]))
def test_the_first_that_is_not_masked_is_found(
    sizes: list[int], cuts: list[int], last: int
) -> None:
    """Behind any frames, and wherever the network cuts it."""
    masks = Masks()
    sent = b"".join(frame(size) for size in sizes) + frame(last, masked=False)
    assert any(masks.broken(part) for part in parts(sent, cuts))


@pytest.mark.parametrize("size", [2**63 - 1, 2**64 - 1])
def test_a_frame_of_any_length_is_only_counted(size: int) -> None:
    """What is promised takes no memory; how much may come is the server's own bound."""
    masks = Masks()
    assert not masks.broken(b"\x81\xff" + size.to_bytes(8, "big"))
    assert not masks.broken(bytes(1000))
