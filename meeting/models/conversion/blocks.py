"""The dimensions of a Whisper model, and the parts that its encoder and decoder share."""

import math

import msgspec
import numpy as np

from meeting.models.conversion.ctranslate import Weights
from meeting.models.conversion.graph import Array, Graph
from meeting.models.errors import ConversionError

EPSILON = 1e-5
# what the graphs below take for granted, with CTranslate2's number for it (3 is GELU by erf)
ASSUMED = {
    "decoder/activation": 3,
    "decoder/alibi": 0,
    "decoder/pre_norm": 1,
    "decoder/scale_embeddings": 0,
    "decoder/start_from_zero_embedding": 0,
}


class Size(msgspec.Struct, frozen=True):
    """The dimensions of one Whisper model."""

    width: int
    heads: int
    inner: int
    encoders: int
    decoders: int
    mels: int
    audio: int
    text: int
    vocabulary: int

    @property
    def head(self) -> int:
        """Values a head."""
        return self.width // self.heads


def measure(weights: Weights) -> Size:
    """Read the dimensions off the variables; raises `ConversionError` if it is no Whisper."""
    if weights.spec != "WhisperSpec":
        raise ConversionError(f"the weight file holds a {weights.spec}, expected a WhisperSpec")
    for name, expected in ASSUMED.items():
        if (found := weights.scalar(name)) != expected:
            raise ConversionError(f"{name} is {found}, this conversion knows only {expected}")
    vocabulary, width = _pair(weights, "decoder/embeddings/weight")
    heads = weights.scalar("decoder/num_heads")
    if heads < 1 or width % heads or weights.scalar("encoder/num_heads") != heads:
        raise ConversionError(f"{heads} heads do not fit a width of {width}")
    mels = weights.shape("encoder/conv1/weight")
    return Size(
        width=width,
        heads=heads,
        inner=_pair(weights, "decoder/layer_0/ffn/linear_0/weight")[0],
        encoders=_layers(weights, "encoder"),
        decoders=_layers(weights, "decoder"),
        mels=mels[1] if len(mels) == 3 else 0,
        audio=_pair(weights, "encoder/position_encodings/encodings")[0],
        text=_pair(weights, "decoder/position_encodings/encodings")[0],
        vocabulary=vocabulary,
    )


class Blocks:
    """The parts that encoder and decoder share."""

    def __init__(self, weights: Weights, size: Size, name: str) -> None:
        self.weights = weights
        self.size = size
        self.graph = Graph(name)

    def table(self, name: str, *shape: int) -> str:
        """The variable `name` as it lies in the file, held to `shape`."""
        return self.graph.weight(name, shape, lambda: self.weights.array(name, shape))

    def norm(self, x: str, name: str) -> str:
        """Layer norm over the last axis."""
        gain, bias = (self.table(f"{name}/{part}", self.size.width) for part in ("gamma", "beta"))
        return self.graph.node("LayerNormalization", x, gain, bias, axis=-1, epsilon=EPSILON)

    def linear(self, x: str, name: str, wide: int, deep: int, *, queries: bool = False) -> str:
        """`x` times the matrix `name` plus its bias; [.., deep] to [.., wide].

        With `queries` the first D outputs are scaled by 1 / sqrt(D / H): attention's scale is
        put into the weights, which for a head of 64 is an exact power of two.
        """
        full, part = f"{name}/weight", f"{name}/bias"

        def matrix() -> Array:
            return self._scaled(full, (wide, deep), queries=queries).T

        weight = self.graph.weight(full, (deep, wide), matrix)
        bias = self.graph.weight(
            part, (wide,), lambda: self._scaled(part, (wide,), queries=queries)
        )
        return self.graph.node("Add", self.graph.node("MatMul", x, weight), bias)

    def _scaled(self, name: str, shape: tuple[int, ...], *, queries: bool) -> Array:
        array = self.weights.array(name, shape)
        if not queries:
            return array
        scaled = array.astype(np.float32)
        scaled[: self.size.width] *= np.float32(1 / math.sqrt(self.size.head))
        return scaled

    def gelu(self, x: str) -> str:
        """GELU by the error function, in the form that ONNX Runtime fuses."""
        node, number = self.graph.node, self.number
        bell = node("Erf", node("Div", x, number("root2", math.sqrt(2))))
        grown = node("Mul", x, node("Add", bell, number("one", 1.0)))
        return node("Mul", grown, number("half", 0.5))

    def number(self, name: str, value: float) -> str:
        """A scalar."""
        return self.graph.weight(name, (), lambda: np.array(value, dtype=np.float32))

    def parts(self, x: str, count: int) -> tuple[str, ...]:
        """Cut the last axis into `count` of the model's width."""
        names = tuple(f"{x}_{part}" for part in range(count))
        widths = self.graph.whole(*[self.size.width] * count)
        return self.graph.split("Split", x, widths, to=names, axis=-1)

    def heads(self, x: str, to: str = "") -> str:
        """[B, N, D] to [B, H, N, D / H]."""
        shape = self.graph.whole(0, 0, self.size.heads, self.size.head)
        cut = self.graph.node("Reshape", x, shape)
        return self.graph.node("Transpose", cut, perm=[0, 2, 1, 3], to=to)

    def attend(self, query: str, key: str, value: str, mask: str = "") -> str:
        """Softmax of query times key, times value; back to [B, N, D]."""
        node = self.graph.node
        scores = node("MatMul", query, node("Transpose", key, perm=[0, 1, 3, 2]))
        if mask:
            scores = node("Add", scores, mask)
        mixed = node("MatMul", node("Softmax", scores, axis=-1), value)
        joined = node("Transpose", mixed, perm=[0, 2, 1, 3])
        return node("Reshape", joined, self.graph.whole(0, 0, self.size.width))

    def feed(self, x: str, name: str) -> str:
        """The two-layer perceptron of a block, with its residual."""
        wide, inner = self.size.width, self.size.inner
        hidden = self.linear(self.norm(x, f"{name}/layer_norm"), f"{name}/linear_0", inner, wide)
        out = self.linear(self.gelu(hidden), f"{name}/linear_1", wide, inner)
        return self.graph.node("Add", x, out)


def _pair(weights: Weights, name: str) -> tuple[int, int]:
    shape = weights.shape(name)
    if len(shape) != 2 or 0 in shape:
        raise ConversionError(f"{name} has the shape {shape}, expected a matrix")
    return shape[0], shape[1]


def _layers(weights: Weights, side: str) -> int:
    """How many layers in a row are there; a gap would show as a missing variable later."""
    count = 0
    while f"{side}/layer_{count}/ffn/linear_0/weight" in weights.variables:
        count += 1
    if count == 0:
        raise ConversionError(f"the weight file has no layers of the {side}")
    return count
