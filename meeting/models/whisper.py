"""Turns the CTranslate2 weights of Whisper into two ONNX graphs, an encoder and a decoder.

    encoder   input_features f32 [B, mels, 2 * A]
              -> last_hidden_state f32 [B, A, D], cross.{l}.key and .value f32 [B, H, A, D / H]
    decoder   input_ids i64 [B, T], past.{l}.key and .value f32 [B, H, P, D / H] (P = 0 at the start),
              cross.{l}.key and .value
              -> logits f32 [B, 1, V] of the LAST position alone, present.{l}.key and .value with P + T

with A audio positions (1500), D width, H heads, V vocabulary, l a decoder layer. Logits of earlier
positions are not computed: the projection onto the vocabulary is half of the decoder's work, and
language, no-speech probability and the next token are all read from the last position.
"""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from meeting.models.ctranslate import Weights
from meeting.models.faults import ConversionFault
from meeting.models.graph import Graph

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

EPSILON = 1e-5
# below every score, yet far from where a sum of two would overflow
MASKED = -1e9
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
    """Read the dimensions off the variables; raises `ConversionFault` if it is no Whisper."""
    if weights.spec != "WhisperSpec":
        message = f"the weight file holds a {weights.spec}, expected a WhisperSpec"
        raise ConversionFault(message)
    for name, expected in ASSUMED.items():
        if (found := weights.scalar(name)) != expected:
            message = f"{name} is {found}, this conversion knows only {expected}"
            raise ConversionFault(message)
    vocabulary, width = _pair(weights, "decoder/embeddings/weight")
    heads = weights.scalar("decoder/num_heads")
    if heads < 1 or width % heads or weights.scalar("encoder/num_heads") != heads:
        message = f"{heads} heads do not fit a width of {width}"
        raise ConversionFault(message)
    mels = weights.shape("encoder/conv1/weight")
    return Size(
        width=width,
        heads=heads,
        inner=_pair(weights, "decoder/layer_0/ffn/linear_0/weight")[0],
        encoders=_layers(weights, "encoder"),
        decoders=_layers(weights, "decoder"),
        mels=mels[1] if len(mels) == 3 else 0,  # noqa: PLR2004
        audio=_pair(weights, "encoder/position_encodings/encodings")[0],
        text=_pair(weights, "decoder/position_encodings/encodings")[0],
        vocabulary=vocabulary,
    )


def convert(weights: Weights, folder: Path) -> None:
    """Write `encoder.onnx` and `decoder.onnx` into `folder`."""
    size = measure(weights)
    Encoder(weights, size).build().write(folder / "encoder.onnx")
    Decoder(weights, size).build().write(folder / "decoder.onnx")


class Blocks:
    """The parts that encoder and decoder share."""

    def __init__(self, weights: Weights, size: Size, name: str) -> None:
        self.weights = weights
        self.size = size
        self.graph = Graph(name)

    def vector(self, name: str, length: int) -> str:
        """A bias, or a gain of a norm."""
        return self.graph.weight(name, (length,), lambda: self.weights.array(name, (length,)))

    def norm(self, x: str, name: str) -> str:
        """Layer norm over the last axis."""
        gain, bias = (self.vector(f"{name}/{part}", self.size.width) for part in ("gamma", "beta"))
        return self.graph.node("LayerNormalization", x, gain, bias, axis=-1, epsilon=EPSILON)

    def linear(self, x: str, name: str, wide: int, deep: int, *, queries: bool = False) -> str:
        """`x` times the matrix `name` plus its bias; [.., deep] to [.., wide].

        With `queries` the first D outputs are scaled by 1 / sqrt(D / H): attention's scale is
        put into the weights, which for a head of 64 is an exact power of two.
        """
        full, part = f"{name}/weight", f"{name}/bias"

        def matrix() -> "npt.NDArray[np.generic]":
            return self._scaled(full, (wide, deep), queries=queries).T

        weight = self.graph.weight(full, (deep, wide), matrix)
        bias = self.graph.weight(part, (wide,), lambda: self._scaled(part, (wide,), queries=queries))
        return self.graph.node("Add", self.graph.node("MatMul", x, weight), bias)

    def _scaled(self, name: str, shape: tuple[int, ...], *, queries: bool) -> "npt.NDArray[np.generic]":
        import numpy as np  # noqa: PLC0415

        array = self.weights.array(name, shape)
        if not queries:
            return array
        array = array.astype(np.float32)
        array[: self.size.width] *= np.float32(1 / math.sqrt(self.size.head))
        return array

    def gelu(self, x: str) -> str:
        """GELU by the error function, in the form that ONNX Runtime fuses."""
        half, one, root = (
            self.constant("half", 0.5),
            self.constant("one", 1.0),
            self.constant("root2", math.sqrt(2)),
        )
        node = self.graph.node
        bell = node("Add", node("Erf", node("Div", x, root)), one)
        return node("Mul", node("Mul", x, bell), half)

    def constant(self, name: str, value: float) -> str:
        """A scalar."""
        import numpy as np  # noqa: PLC0415

        return self.graph.weight(name, (), lambda: np.array(value, dtype=np.float32))

    def parts(self, x: str, count: int) -> tuple[str, ...]:
        """Cut the last axis into `count` of the model's width."""
        if count == 1:
            return (x,)
        names = tuple(f"{x}_{part}" for part in range(count))
        return self.graph.split("Split", x, self.graph.whole(*[self.size.width] * count), to=names, axis=-1)

    def heads(self, x: str, to: str = "") -> str:
        """[B, N, D] to [B, H, N, D / H]."""
        shape = self.graph.whole(0, 0, self.size.heads, self.size.head)
        return self.graph.node("Transpose", self.graph.node("Reshape", x, shape), perm=[0, 2, 1, 3], to=to)

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
        return self.graph.node("Add", x, self.linear(self.gelu(hidden), f"{name}/linear_1", wide, inner))


class Encoder(Blocks):
    """Audio features to hidden states, and to the keys and values that the decoder attends to."""

    def __init__(self, weights: Weights, size: Size) -> None:
        super().__init__(weights, size, "whisper_encoder")

    def build(self) -> Graph:
        """The whole graph."""
        size, graph = self.size, self.graph
        x = graph.input("input_features", "float32", ["batch", size.mels, 2 * size.audio])
        x = self._conv(x, "encoder/conv1", size.mels, 1)
        x = self._conv(x, "encoder/conv2", size.width, 2)
        x = graph.node("Transpose", x, perm=[0, 2, 1])
        places = "encoder/position_encodings/encodings"
        shape = (size.audio, size.width)
        x = graph.node("Add", x, graph.weight(places, shape, lambda: self.weights.array(places, shape)))
        for layer in range(size.encoders):
            x = self._layer(x, f"encoder/layer_{layer}")
        x = self.norm(x, "encoder/layer_norm")
        x = graph.node("Identity", x, to="last_hidden_state")
        graph.output(x, "float32", ["batch", size.audio, size.width])
        for layer in range(size.decoders):
            self._cross(x, layer)
        return graph

    def _conv(self, x: str, name: str, channels: int, stride: int) -> str:
        shape = (self.size.width, channels, 3)
        kernel = self.graph.weight(f"{name}/weight", shape, lambda: self.weights.array(f"{name}/weight", shape))
        bias = self.vector(f"{name}/bias", self.size.width)
        return self.gelu(self.graph.node("Conv", x, kernel, bias, kernel_shape=[3], pads=[1, 1], strides=[stride]))

    def _layer(self, x: str, name: str) -> str:
        width, own = self.size.width, f"{name}/self_attention"
        mixed = self.linear(self.norm(x, f"{own}/layer_norm"), f"{own}/linear_0", 3 * width, width, queries=True)
        query, key, value = (self.heads(part) for part in self.parts(mixed, 3))
        out = self.linear(self.attend(query, key, value), f"{own}/linear_1", width, width)
        return self.feed(self.graph.node("Add", x, out), f"{name}/ffn")

    def _cross(self, x: str, layer: int) -> None:
        size = self.size
        mixed = self.linear(x, f"decoder/layer_{layer}/attention/linear_1", 2 * size.width, size.width)
        for part, kind in zip(self.parts(mixed, 2), ("key", "value"), strict=True):
            name = self.heads(part, to=f"cross.{layer}.{kind}")
            self.graph.output(name, "float32", ["batch", size.heads, size.audio, size.head])


class Decoder(Blocks):
    """Token ids and what was kept of earlier ones to the logits of the next token."""

    def __init__(self, weights: Weights, size: Size) -> None:
        super().__init__(weights, size, "whisper_decoder")

    def build(self) -> Graph:
        """The whole graph."""
        size, graph, node = self.size, self.graph, self.graph.node
        ids = graph.input("input_ids", "int64", ["batch", "tokens"])
        for layer in range(size.decoders):
            for kind in ("key", "value"):
                graph.input(f"past.{layer}.{kind}", "float32", ["batch", size.heads, "past", size.head])
        for layer in range(size.decoders):
            for kind in ("key", "value"):
                graph.input(f"cross.{layer}.{kind}", "float32", ["batch", size.heads, size.audio, size.head])
        start = node("Gather", node("Shape", "past.0.key"), graph.whole(2), axis=0)
        end = node("Add", start, node("Gather", node("Shape", ids), graph.whole(1), axis=0))
        words, shape = "decoder/embeddings/weight", (size.vocabulary, size.width)
        graph.weight(words, shape, lambda: self.weights.array(words, shape))
        places, table = "decoder/position_encodings/encodings", (size.text, size.width)
        graph.weight(places, table, lambda: self.weights.array(places, table))
        x = node("Add", node("Gather", words, ids, axis=0), node("Slice", places, start, end, graph.whole(0)))
        mask = self._mask(start, end)
        for layer in range(size.decoders):
            x = self._layer(x, layer, mask)
        last = node("Slice", x, graph.whole(-1), graph.whole(2**31), graph.whole(1))
        flat = node("Reshape", self.norm(last, "decoder/layer_norm"), graph.whole(-1, size.width))
        scores = node("Gemm", flat, words, transB=1)
        graph.output(node("Unsqueeze", scores, graph.whole(1), to="logits"), "float32", ["batch", 1, size.vocabulary])
        return graph

    def _mask(self, start: str, end: str) -> str:
        """[T, P + T]: 0 where a token may look, far below it where the future lies."""
        import numpy as np  # noqa: PLC0415

        text, graph = self.size.text, self.graph

        def future() -> "npt.NDArray[np.generic]":
            return np.triu(np.full((text, text), MASKED, dtype=np.float32), k=1)

        table = graph.weight("future", (text, text), future)
        rows = graph.node("Slice", table, start, end, graph.whole(0))
        return graph.node("Slice", rows, graph.whole(0), end, graph.whole(1))

    def _layer(self, x: str, layer: int, mask: str) -> str:
        width, node, name = self.size.width, self.graph.node, f"decoder/layer_{layer}"
        own, other = f"{name}/self_attention", f"{name}/attention"
        mixed = self.linear(self.norm(x, f"{own}/layer_norm"), f"{own}/linear_0", 3 * width, width, queries=True)
        query, *fresh = (self.heads(part) for part in self.parts(mixed, 3))
        kept = []
        for kind, new in zip(("key", "value"), fresh, strict=True):
            kept.append(node("Concat", f"past.{layer}.{kind}", new, axis=2, to=f"present.{layer}.{kind}"))
            self.graph.output(kept[-1], "float32", ["batch", self.size.heads, "total", self.size.head])
        x = node("Add", x, self.linear(self.attend(query, *kept, mask), f"{own}/linear_1", width, width))
        ask = self.linear(self.norm(x, f"{other}/layer_norm"), f"{other}/linear_0", width, width, queries=True)
        seen = self.attend(self.heads(ask), f"cross.{layer}.key", f"cross.{layer}.value")
        x = node("Add", x, self.linear(seen, f"{other}/linear_2", width, width))
        return self.feed(x, f"{name}/ffn")


def _pair(weights: Weights, name: str) -> tuple[int, int]:
    shape = weights.shape(name)
    if len(shape) != 2 or 0 in shape:  # noqa: PLR2004
        message = f"{name} has the shape {shape}, expected a matrix"
        raise ConversionFault(message)
    return shape[0], shape[1]


def _layers(weights: Weights, side: str) -> int:
    """How many layers in a row are there; a gap would show as a missing variable later."""
    count = 0
    while f"{side}/layer_{count}/ffn/linear_0/weight" in weights.variables:
        count += 1
    if count == 0:
        message = f"the weight file has no layers of the {side}"
        raise ConversionFault(message)
    return count
