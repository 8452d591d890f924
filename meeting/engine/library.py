"""Where the engine's files lie: ONNX Runtime of the installed wheel, and our own executable."""

from importlib.util import find_spec
from pathlib import Path

import meeting.engine


class LibraryMissing(Exception):
    """ONNX Runtime can't be found; the text says what to do."""


def onnxruntime(given: Path | None = None) -> Path:
    """Return the path of `libonnxruntime.so.<version>`, from a setting or from the wheel."""
    if given is not None:
        if not given.is_file():
            raise LibraryMissing(f"there is no file {given}; correct the setting engine.library")
        return given
    spec = find_spec("onnxruntime")
    for root in (spec.submodule_search_locations or []) if spec is not None else []:
        found = sorted(Path(root, "capi").glob("libonnxruntime.so*"))
        if found:
            return found[-1]
    raise LibraryMissing(
        "ONNX Runtime is not installed: type `pip install onnxruntime`, "
        "or name its library by the setting engine.library"
    )


def program() -> Path:
    """Return the path of the engine's executable, which the build lays into this package."""
    # Two folders in a development install: the sources, and what was built from them.
    places = [Path(root, "bin", "meeting-engine") for root in meeting.engine.__path__]
    return next((place for place in places if place.is_file()), places[0])
