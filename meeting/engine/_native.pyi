# The inference engine on native threads of this process: native/bindings/module.cc.

__version__: str

class Engine:
    # Serves the models of one folder over ZeroMQ. Loads ONNX Runtime from `library` and binds
    # `endpoint` (port 0 takes a free one). `models` is the folder that `meeting models pull` fills;
    # `workers` requests run at once (1 to 256), `queue` more may wait (1 or more); a recognition
    # may take `deadline` seconds (1 to 86,400), its own deadline can only be shorter; all this or
    # ValueError. RuntimeError, with the next step, when library or address can't be had.
    def __init__(
        self,
        models: str,
        library: str,
        endpoint: str,
        workers: int,
        queue: int,
        deadline: int = 120,
    ) -> None: ...

    # Where the engine listens, with the port that it got.
    @property
    def endpoint(self) -> str: ...

    # Serve; models load in the background. Once: RuntimeError the second time.
    def start(self) -> None: ...

    # Take no new work, let running work end, join all threads. Again: does nothing.
    def stop(self) -> None: ...
