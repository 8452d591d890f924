"""Models of the engine: a pinned manifest, sources, conversion, and a cache that can be checked.

pull(manifest(), cache_folder)     make all models ready; blocking, run it in a thread
status(manifest(), cache_folder)   how they stand
"""

from meeting.models.cache import default as default_cache
from meeting.models.errors import (
    ConversionError,
    ManifestError,
    ModelError,
    SourceError,
    StoppedError,
)
from meeting.models.folder import Status
from meeting.models.progress import Progress, Report
from meeting.models.sample import sample
from meeting.models.schema import Manifest, Model, manifest
from meeting.models.supply import pull, status, verify

__all__ = [
    "ConversionError",
    "Manifest",
    "ManifestError",
    "Model",
    "ModelError",
    "Progress",
    "Report",
    "SourceError",
    "Status",
    "StoppedError",
    "default_cache",
    "manifest",
    "pull",
    "sample",
    "status",
    "verify",
]
