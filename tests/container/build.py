"""Carries a Dockerfile out, step by step, without a container engine."""

import re
import shutil
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any, NamedTuple

from tests.container.dockerfile import Ignored, Stage, Step, environment, health, read
from tests.container.root import Root

BASE = re.compile(r"debian:([a-z]+)-slim")
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


class Image(NamedTuple):
    """A stage as it stands: its tree, and how it is to be run."""

    root: Root
    environment: Mapping[str, str]
    folder: str = "/"
    user: str = ""
    volumes: Sequence[str] = ()
    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    health: Sequence[str] = ()

    def line(self, *command: str, **more: str) -> list[str]:
        """Return what runs the image, with another command and more environment if given."""
        whole = [*self.entrypoint, *(command or self.command)]
        return self.root.line(whole, {**self.environment, **more}, self.folder, self.user)


NOTES: Mapping[str, Callable[[Image, Step], dict[str, Any]]] = {
    "ENV": lambda image, step: {"environment": {**image.environment, **environment(step)}},
    "USER": lambda _, step: {"user": step.plain[0]},
    "VOLUME": lambda image, step: {"volumes": [*image.volumes, *step.listed]},
    "ENTRYPOINT": lambda _, step: {"entrypoint": step.listed, "command": ()},
    "CMD": lambda _, step: {"command": step.listed},
    "HEALTHCHECK": lambda _, step: {"health": health(step)},
    "EXPOSE": lambda _image, _step: {},
}
"""Steps that change nothing in the tree, and what each says of the image."""


class Build:
    """Makes images in a work folder; what is `lent` and `given` only the building sees."""

    def __init__(
        self,
        context: Path,
        work: Path,
        lent: Sequence[str] = (),
        given: Mapping[str, str] | None = None,
    ) -> None:
        self._context = context
        self._work = work
        self._lent = lent
        self._given = given or {}
        self._ignored = Ignored((context / ".dockerignore").read_text())
        self._images: dict[str, Image] = {}

    def whole(self, tell: Callable[[str], None]) -> Image:
        """Carry all stages out; the last is the image."""
        image: Image | None = None
        for number, stage in enumerate(read((self._context / "Dockerfile").read_text())):
            image = self._begin(stage, number)
            for step in stage.steps:
                begun = time.monotonic()
                image = self._do(image, step)
                seconds = time.monotonic() - begun
                tell(f"{seconds:6.1f} s  line {step.line}: {step.word} {step.text[:60]}")
            self._images[stage.name or str(number)] = image
        if image is None:
            sys.exit("the Dockerfile has no FROM")
        return image

    def _begin(self, stage: Stage, number: int) -> Image:
        path = self._work / f"stage{number}"
        shutil.rmtree(path, ignore_errors=True)
        if stage.image in self._images:
            found = self._images[stage.image]
            return found._replace(root=found.root.copy(path))
        base = BASE.fullmatch(stage.image)
        if base is None:
            sys.exit(f"FROM {stage.image}: only debian:RELEASE-slim, or a stage before")
        debian = Root.debian(self._work / f"debian-{base[1]}", base[1], self._lent)
        return Image(debian.copy(path), {"PATH": PATH})

    def _do(self, image: Image, step: Step) -> Image:
        """Carry one step out; how the image stands after it."""
        if step.word == "RUN":
            shell = ["/bin/sh", "-c", step.text]
            given = {**image.environment, **self._given}
            image.root.run(shell, given, image.folder, image.user)
        elif step.word == "COPY":
            self._copy(image, step)
        elif step.word == "WORKDIR":
            folder = self._target(image, step.plain[0])
            image.root.inside(folder).mkdir(parents=True, exist_ok=True)
            return image._replace(folder=folder)
        elif step.word in NOTES:
            return image._replace(**NOTES[step.word](image, step))
        return image

    def _copy(self, image: Image, step: Step) -> None:
        *sources, last = step.plain
        stage = step.flags.get("from")
        target = image.root.inside(self._target(image, last))
        for source in sources:
            if stage is None:
                found = self._context / source
            else:
                found = self._images[stage].root.inside(source)
            if stage is None and self._ignored(Path(source)):
                raise step.refuse(f".dockerignore keeps {source} out")
            if found.is_dir():
                self._tree(found, target, everything=stage is not None)
            elif last.endswith("/") or len(sources) > 1:
                target.mkdir(parents=True, exist_ok=True)
                shutil.copy2(found, target / found.name)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(found, target)

    def _tree(self, source: Path, target: Path, *, everything: bool) -> None:
        def out(folder: str, names: list[str]) -> list[str]:
            if everything:
                return []
            inside = Path(folder).relative_to(self._context)
            return [name for name in names if self._ignored(inside / name)]

        shutil.copytree(source, target, symlinks=True, ignore=out, dirs_exist_ok=True)

    def _target(self, image: Image, path: str) -> str:
        return str(PurePosixPath(image.folder, path))
