"""The inference engine on native threads of this process."""

__version__: str

class Engine:
    """Serves the models of one folder over ZeroMQ."""

    def __init__(
        self, models: str, library: str, endpoint: str, workers: int, queue: int
    ) -> None:
        """Load ONNX Runtime from `library` and bind `endpoint`.

        `models` is the folder that `meeting models pull` fills; port 0 in `endpoint` takes a free
        one. `workers` requests run at once (1 to 256), `queue` more may wait. Raises RuntimeError,
        with the next step, when the library or the address can't be had.
        """

    @property
    def endpoint(self) -> str:
        """Where the engine listens, with the port that it got."""

    def start(self) -> None:
        """Serve; models load in the background. Once: RuntimeError the second time."""

    def stop(self) -> None:
        """Take no new work, let running work end, join all threads. Again: does nothing."""
