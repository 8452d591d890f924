# The inference engine on native threads of this process: native/bindings/module.cc.

from collections.abc import Sequence

from numpy import float32, float64
from numpy.typing import ArrayLike, NDArray

__version__: str

# The engine's arithmetic, for tests that compare it with numpy; numpy is imported when one of them
# is called. Errors: ValueError for a wrong number of dimensions, RuntimeError for ids beyond the
# row and sound beyond 30 s.

# Softmax over `count` language tokens from id `first`, of one row of raw logits.
def language_distribution(
    logits: ArrayLike, first: int = 50259, count: int = 99
) -> NDArray[float64]: ...

# exp of the mean log probability of `tokens`, one row of raw logits for each.
def confidence(rows: ArrayLike, tokens: Sequence[int]) -> float: ...

# Samples of one channel at another rate, both in Hz.
def resample(samples: ArrayLike, from_rate: int, to_rate: int) -> NDArray[float32]: ...

# Whisper's input, [80, 3000], of up to 30 s at 16 kHz.
def log_mel(samples: ArrayLike) -> NDArray[float32]: ...

class Engine:
    # Serves the models of one folder over ZeroMQ. Loads ONNX Runtime from `library` and binds
    # `endpoint` (port 0 takes a free one). `models` is the folder that `meeting models pull` fills;
    # `workers` requests run at once (1 to 256), `queue` more may wait (1 or more, else ValueError).
    # RuntimeError, with the next step, when the library or the address can't be had.
    def __init__(
        self, models: str, library: str, endpoint: str, workers: int, queue: int
    ) -> None: ...

    # Where the engine listens, with the port that it got.
    @property
    def endpoint(self) -> str: ...

    # Serve; models load in the background. Once: RuntimeError the second time.
    def start(self) -> None: ...

    # Take no new work, let running work end, join all threads. Again: does nothing.
    def stop(self) -> None: ...
