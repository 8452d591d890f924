"""The recording that the demo plays when it is given none; fetched and checked like a model."""

import importlib.resources
from pathlib import Path

from meeting.models.progress import Report, ignore
from meeting.models.schema import manifest
from meeting.models.supply import pull

FOLDER = "samples"
NAME = "two_cities"


def sample(cache: Path, mirror: Path | None = None, report: Report = ignore) -> Path:
    """Return the recording's path, after fetching it where it is not there yet."""
    with importlib.resources.as_file(
        importlib.resources.files("meeting.models").joinpath("samples.toml")
    ) as listing:
        # Beside the models, not among them: the engine looks at everything in its folder.
        folder = cache.parent / FOLDER
        pull(manifest(listing), folder, mirror, report)
    return folder / NAME / f"{NAME}.wav"
