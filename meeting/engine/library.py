"""Where the engine's files lie: ONNX Runtime of the installed wheel, and our own executable."""

from importlib.util import find_spec
from pathlib import Path

import meeting.engine


class Missing(Exception):
    """A file that the engine needs can't be found; the text says what to do."""


def onnxruntime() -> Path:
    """Return the path of `libonnxruntime.so.<version>` in the installed wheel."""
    spec = find_spec("onnxruntime")
    for root in (spec.submodule_search_locations or []) if spec is not None else []:
        found = sorted(Path(root, "capi").glob("libonnxruntime.so*"))
        if found:
            return found[-1]
    raise Missing("ONNX Runtime is not installed: type `pip install onnxruntime`")


def program() -> Path:
    """Return the path of the engine's executable, which the build lays into this package."""
    # Two folders in a development install: the sources, and what was built from them.
    places = [Path(root, "bin", "meeting-engine") for root in meeting.engine.__path__]
    for place in places:
        if place.is_file():
            return place
    raise Missing(
        f"the engine's executable {places[-1]} is not there; build it by installing the package"
        " again, or run `meeting serve` with the engine on threads"
    )
