"""The folder of one finished model: its model.json, and whether the folder is what it says."""

import os
import stat
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from meeting.models import digest
from meeting.models.cache import Cache
from meeting.models.progress import Work
from meeting.models.schema import Bytes, FileName, Id, Model, Sha256

NAME = "model.json"
LIMIT = 1 << 20

State = Literal["ready", "missing", "damaged"]


class File(msgspec.Struct, frozen=True):
    """One file of the folder."""

    path: FileName
    size: Bytes
    sha256: Sha256


class Record(msgspec.Struct, frozen=True):
    """What model.json holds: `sha256` is that of the pinned weights, `making` the conversion."""

    format: Literal[1]
    id: Id
    task: Id
    sha256: Sha256
    files: Annotated[dict[str, File], msgspec.Meta(min_length=1)]
    making: str = "none"


class Status(msgspec.Struct, frozen=True):
    """How a model stands; `reason` says what is wrong with one that is not ready."""

    model: Model
    state: State
    reason: str = ""


def write(model: Model, folder: Path, work: Work) -> None:
    """Write model.json for the files in `folder`, all of them on the disk before."""
    files = {}
    for role, name in model.files.items():
        path = folder / name
        with path.open("rb") as file:
            os.fsync(file.fileno())
        files[role] = File(name, path.stat().st_size, digest.sha256(path, path.name, work))
    record = Record(1, model.id, model.task, model.sha256, files, model.making)
    with (folder / NAME).open("wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(record), indent=1))
        digest.settle(file)


def inspect(model: Model, cache: Cache, work: Work, *, deep: bool) -> Status:
    """Compare the folder with its record, and the record with the manifest.

    Without `deep` sizes alone are looked at, which takes no time; with it every byte is hashed.
    """
    folder = cache.folder(model.id)
    if not folder.is_dir():
        return Status(model, "missing")
    try:
        record = _read(folder / NAME)
        reason = _differs(model, record) or _broken(folder, record, work, deep=deep)
    except (OSError, msgspec.MsgspecError) as error:
        reason = f"{NAME} can't be read: {error}"
    return Status(model, "damaged", reason) if reason else Status(model, "ready")


def _read(path: Path) -> Record:
    with path.open("rb") as file:
        return msgspec.json.decode(file.read(LIMIT), type=Record)


def _differs(model: Model, record: Record) -> str:
    """Why this record is not one of `model`; empty if it is."""
    if (record.id, record.task) != (model.id, model.task):
        return f"{NAME} speaks of {record.id} for {record.task}"
    if record.sha256 != model.sha256:
        return "it was made from other weights than the manifest pins"
    if record.making != model.making:
        return f"it was made by the conversion {record.making}, now it is {model.making}"
    if {role: file.path for role, file in record.files.items()} != model.files:
        return f"{NAME} lists other files than the manifest"
    for part in model.parts:
        if part.file and record.files[part.role].sha256 != part.sha256:
            return f"{part.file} is another than the manifest pins"
    return ""


def _broken(folder: Path, record: Record, work: Work, *, deep: bool) -> str:
    for file in record.files.values():
        path = folder / file.path
        try:
            found = path.lstat()
        except FileNotFoundError:
            return f"{file.path} is missing"
        if not stat.S_ISREG(found.st_mode):
            return f"{file.path} is no plain file"
        if found.st_size != file.size:
            return f"{file.path} has {found.st_size} bytes instead of {file.size}"
        if deep and digest.sha256(path, path.name, work) != file.sha256:
            return f"{file.path} has another sha256 than when it was made"
    return ""
