"""Holds files to the size and sha256 that are pinned for them, and copies streams while hashing."""

import hashlib
import os
from pathlib import Path
from typing import IO, Protocol

from meeting.models.errors import SourceError
from meeting.models.progress import Work

CHUNK = 1 << 20


class Pinned(Protocol):
    """Whatever the manifest pins: a part, a wheel, the weights of a model."""

    @property
    def label(self) -> str:
        """For people."""

    @property
    def size(self) -> int:
        """Bytes."""

    @property
    def sha256(self) -> str:
        """In lower-case hexadecimal digits."""


def sha256(path: Path, label: str, work: Work) -> str:
    """The sha256 of a whole file."""
    digest, done, total = hashlib.sha256(), 0, path.stat().st_size
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            digest.update(chunk)
            done += len(chunk)
            work.tell("check", label, done, total)
    return digest.hexdigest()


def holds(path: Path, pinned: Pinned, work: Work) -> bool:
    """Whether `path` is exactly the pinned file."""
    if not path.is_file() or path.stat().st_size != pinned.size:
        return False
    return sha256(path, pinned.label, work) == pinned.sha256


def copy(source: IO[bytes], target: Path, pinned: Pinned, work: Work) -> None:
    """Copy what is pinned and let `target` appear only if size and hash are right.

    Raises `SourceError` with what was found; nothing stays behind then.
    """
    partial = target.with_name(target.name + ".new")
    found, done, size = hashlib.sha256(), 0, pinned.size
    try:
        with partial.open("wb") as file:
            while chunk := source.read(min(CHUNK, size + 1 - done)):
                done += len(chunk)
                if done > size:
                    raise SourceError(f"is longer than the {size} bytes that the manifest pins")
                found.update(chunk)
                file.write(chunk)
                work.tell("unpack", pinned.label, done, size)
            settle(file)
        if done != size:
            raise SourceError(f"has {done} bytes, the manifest pins {size}")
        if found.hexdigest() != pinned.sha256:
            raise SourceError(
                f"has the sha256 {found.hexdigest()}, the manifest pins {pinned.sha256}"
            )
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def settle(file: IO[bytes]) -> None:
    """Bring what was written to the disk before its name may appear."""
    file.flush()
    os.fsync(file.fileno())
