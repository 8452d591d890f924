"""What can go wrong with models; every text says what to do next."""


class ModelError(Exception):
    """Anything that keeps a model from being used."""


class ManifestError(ModelError):
    """The manifest can't be read or breaks its own rules; nothing was fetched."""


class SourceError(ModelError):
    """A source could not be fetched, or what came is not what the manifest pins."""


class ConversionError(ModelError):
    """The weights could not be turned into the engine's form."""


class StoppedError(ModelError):
    """The caller asked to stop; what was verified so far is kept for the next pull."""
