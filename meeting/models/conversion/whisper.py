"""Turns the CTranslate2 weights of Whisper into two ONNX graphs, an encoder and a decoder.

    encoder   input_features f32 [B, mels, 2 * A]
              -> last_hidden_state f32 [B, A, D], cross.{l}.key and .value f32 [B, H, A, D / H]
    decoder   input_ids i64 [B, T], past.{l}.key and .value f32 [B, H, P, D / H] (P is 0 first),
              cross.{l}.key and .value
              -> logits f32 [B, 1, V] of the LAST position alone, present.{l} with P + T

with A audio positions (1500), D width, H heads, V vocabulary, l a decoder layer. Logits of earlier
positions are not computed: the projection onto the vocabulary is half of the decoder's work, and
language, no-speech probability and the next token are all read from the last position.
"""

from pathlib import Path

import numpy as np

from meeting.models.conversion.blocks import Blocks, measure
from meeting.models.conversion.ctranslate import Weights
from meeting.models.conversion.graph import Array, Dims, Graph, Tell

# below every score, yet far from where a sum of two would overflow
MASKED = -1e9
KINDS = ("key", "value")


def convert(weights: Weights, folder: Path, tell: Tell) -> None:
    """Write `encoder.onnx` and `decoder.onnx` into `folder`; `tell`: bytes, done and all."""
    size = measure(weights)
    encoder, decoder = (
        Encoder(weights, size, "encoder").build(),
        Decoder(weights, size, "decoder").build(),
    )
    total = encoder.length + decoder.length
    encoder.write(folder / "encoder.onnx", lambda done, _: tell(done, total))
    decoder.write(folder / "decoder.onnx", lambda done, _: tell(encoder.length + done, total))


class Encoder(Blocks):
    """Audio features to hidden states, and to the keys and values that the decoder attends to."""

    def build(self) -> Graph:
        """The whole graph."""
        size, graph, node = self.size, self.graph, self.graph.node
        x = graph.input("input_features", "float32", ["batch", size.mels, 2 * size.audio])
        x = self._conv(x, "encoder/conv1", size.mels, 1)
        x = self._conv(x, "encoder/conv2", size.width, 2)
        places = self.table("encoder/position_encodings/encodings", size.audio, size.width)
        x = node("Add", node("Transpose", x, perm=[0, 2, 1]), places)
        for layer in range(size.encoders):
            x = self._layer(x, f"encoder/layer_{layer}")
        x = node("Identity", self.norm(x, "encoder/layer_norm"), to="last_hidden_state")
        graph.output(x, "float32", ["batch", size.audio, size.width])
        for layer in range(size.decoders):
            self._cross(x, layer)
        return graph

    def _conv(self, x: str, name: str, channels: int, stride: int) -> str:
        kernel = self.table(f"{name}/weight", self.size.width, channels, 3)
        bias = self.table(f"{name}/bias", self.size.width)
        x = self.graph.node("Conv", x, kernel, bias, pads=[1, 1], strides=[stride])
        return self.gelu(x)

    def _layer(self, x: str, name: str) -> str:
        wide, own = self.size.width, f"{name}/self_attention"
        mixed = self.linear(
            self.norm(x, f"{own}/layer_norm"), f"{own}/linear_0", 3 * wide, wide, queries=True
        )
        query, key, value = (self.heads(part) for part in self.parts(mixed, 3))
        out = self.linear(self.attend(query, key, value), f"{own}/linear_1", wide, wide)
        return self.feed(self.graph.node("Add", x, out), f"{name}/ffn")

    def _cross(self, x: str, layer: int) -> None:
        size, name = self.size, f"decoder/layer_{layer}/attention/linear_1"
        mixed = self.linear(x, name, 2 * size.width, size.width)
        for part, kind in zip(self.parts(mixed, 2), KINDS, strict=True):
            out = self.heads(part, to=f"cross.{layer}.{kind}")
            self.graph.output(out, "float32", ["batch", size.heads, size.audio, size.head])


class Decoder(Blocks):
    """Token ids, and what was kept of earlier ones, to the logits of the next token."""

    def build(self) -> Graph:
        """The whole graph."""
        size, graph, node = self.size, self.graph, self.graph.node
        ids = graph.input("input_ids", "int64", ["batch", "tokens"])
        for name, length in (("past", "past"), ("cross", size.audio)):
            for layer in range(size.decoders):
                for kind in KINDS:
                    dims: Dims = ["batch", size.heads, length, size.head]
                    graph.input(f"{name}.{layer}.{kind}", "float32", dims)
        start = node("Gather", node("Shape", "past.0.key"), graph.whole(2), axis=0)
        count = node("Gather", node("Shape", ids), graph.whole(1), axis=0)
        end = node("Add", start, count)
        words = self.table("decoder/embeddings/weight", size.vocabulary, size.width)
        places = self.table("decoder/position_encodings/encodings", size.text, size.width)
        place = node("Slice", places, start, end, graph.whole(0))
        x = node("Add", node("Gather", words, ids, axis=0), place)
        mask = self._mask(start, end)
        for layer in range(size.decoders):
            x = self._layer(x, layer, mask)
        last = node("Slice", x, graph.whole(-1), graph.whole(2**31), graph.whole(1))
        flat = node("Reshape", self.norm(last, "decoder/layer_norm"), graph.whole(-1, size.width))
        logits = node("Unsqueeze", node("Gemm", flat, words, transB=1), graph.whole(1), to="logits")
        graph.output(logits, "float32", ["batch", 1, size.vocabulary])
        return graph

    def _mask(self, start: str, end: str) -> str:
        """[T, P + T]: 0 where a token may look, far below it where the future lies."""
        text, graph = self.size.text, self.graph

        def future() -> Array:
            return np.triu(np.full((text, text), MASKED, np.float32), k=1)

        table = graph.weight("future", (text, text), future)
        rows = graph.node("Slice", table, start, end, graph.whole(0))
        return graph.node("Slice", rows, graph.whole(0), end, graph.whole(1))

    def _layer(self, x: str, layer: int, mask: str) -> str:
        wide, node, name = self.size.width, self.graph.node, f"decoder/layer_{layer}"
        own, other = f"{name}/self_attention", f"{name}/attention"
        mixed = self.linear(
            self.norm(x, f"{own}/layer_norm"), f"{own}/linear_0", 3 * wide, wide, queries=True
        )
        query, *fresh = (self.heads(part) for part in self.parts(mixed, 3))
        key, value = (
            node("Concat", f"past.{layer}.{kind}", new, axis=2, to=f"present.{layer}.{kind}")
            for kind, new in zip(KINDS, fresh, strict=True)
        )
        for kept in (key, value):
            self.graph.output(kept, "float32", ["batch", self.size.heads, "total", self.size.head])
        mine = self.attend(query, key, value, mask)
        x = node("Add", x, self.linear(mine, f"{own}/linear_1", wide, wide))
        ask = self.linear(
            self.norm(x, f"{other}/layer_norm"), f"{other}/linear_0", wide, wide, queries=True
        )
        seen = self.attend(self.heads(ask), f"cross.{layer}.key", f"cross.{layer}.value")
        x = node("Add", x, self.linear(seen, f"{other}/linear_2", wide, wide))
        return self.feed(x, f"{name}/ffn")
