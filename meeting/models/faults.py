"""What can go wrong with models, each with the next step for the reader."""


class ModelFault(Exception):
    """Anything that keeps a model from being used; the text says what to do next."""


class ManifestFault(ModelFault):
    """The manifest breaks its own rules; nothing was fetched."""


class SourceFault(ModelFault):
    """A source could not be fetched, or what came is not what the manifest pins."""


class ConversionFault(ModelFault):
    """The weights could not be turned into the engine's form."""


class Stopped(ModelFault):
    """The caller asked to stop; what was verified so far is kept for the next pull."""
