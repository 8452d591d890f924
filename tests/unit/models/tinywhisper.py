"""A tiny Whisper in CTranslate2's file format, and its forward pass in numpy."""

import math
import struct
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

WIDTH, HEADS, INNER, MELS, AUDIO, TEXT, VOCABULARY, LAYERS = 8, 2, 16, 4, 6, 10, 23, 2
KINDS = {"<f4": 0, "|i1": 1, "<i2": 2, "<i4": 3, "<f2": 4}
ALIASES = {"decoder/projection/weight": "decoder/embeddings/weight"}


def text(value: str) -> bytes:
    """A string as the file holds it."""
    raw = value.encode() + b"\0"
    return struct.pack("<H", len(raw)) + raw


def pack(
    variables: Mapping[str, npt.NDArray[np.generic]],
    aliases: Mapping[str, str] = ALIASES,
    spec: str = "WhisperSpec",
) -> bytes:
    """The bytes of a weight file."""
    out = [struct.pack("<I", 6), text(spec), struct.pack("<II", 3, len(variables))]
    for name, array in variables.items():
        out += [text(name), struct.pack("<B", array.ndim)]
        out += [struct.pack("<I", dim) for dim in array.shape]
        out += [struct.pack("<BI", KINDS[array.dtype.str], array.nbytes), array.tobytes()]
    out.append(struct.pack("<I", len(aliases)))
    out += [text(alias) + text(name) for alias, name in aliases.items()]
    return b"".join(out)


def variables(seed: int = 7) -> dict[str, npt.NDArray[np.generic]]:
    """Random weights, fp16 as in the real file, under CTranslate2's names."""
    draw = np.random.default_rng(seed)
    found: dict[str, npt.NDArray[np.generic]] = {
        "decoder/activation": np.array(3, np.int8),
        "decoder/alibi": np.array(0, np.int8),
        "decoder/pre_norm": np.array(1, np.int8),
        "decoder/scale_embeddings": np.array(0, np.int8),
        "decoder/start_from_zero_embedding": np.array(0, np.int8),
        "decoder/num_heads": np.array(HEADS, np.int16),
        "encoder/num_heads": np.array(HEADS, np.int16),
    }

    def add(name: str, *shape: int) -> None:
        found[name] = (draw.standard_normal(shape) * 0.5).astype(np.float16)

    def linear(name: str, wide: int, deep: int) -> None:
        add(f"{name}/weight", wide, deep)
        add(f"{name}/bias", wide)

    def norm(name: str) -> None:
        add(f"{name}/gamma", WIDTH)
        add(f"{name}/beta", WIDTH)

    add("decoder/embeddings/weight", VOCABULARY, WIDTH)
    add("decoder/position_encodings/encodings", TEXT, WIDTH)
    add("encoder/position_encodings/encodings", AUDIO, WIDTH)
    add("encoder/conv1/weight", WIDTH, MELS, 3)
    add("encoder/conv1/bias", WIDTH)
    add("encoder/conv2/weight", WIDTH, WIDTH, 3)
    add("encoder/conv2/bias", WIDTH)
    for side in ("encoder", "decoder"):
        norm(f"{side}/layer_norm")
        for layer in range(LAYERS):
            own = f"{side}/layer_{layer}"
            for block in ("self_attention", "ffn", *(["attention"] if side == "decoder" else [])):
                norm(f"{own}/{block}/layer_norm")
            linear(f"{own}/self_attention/linear_0", 3 * WIDTH, WIDTH)
            linear(f"{own}/self_attention/linear_1", WIDTH, WIDTH)
            linear(f"{own}/ffn/linear_0", INNER, WIDTH)
            linear(f"{own}/ffn/linear_1", WIDTH, INNER)
            if side == "decoder":
                linear(f"{own}/attention/linear_0", WIDTH, WIDTH)
                linear(f"{own}/attention/linear_1", 2 * WIDTH, WIDTH)
                linear(f"{own}/attention/linear_2", WIDTH, WIDTH)
    return found


class Reference:
    """The forward pass of one item, written down as the model is defined and nothing else."""

    def __init__(self, found: Mapping[str, npt.NDArray[np.generic]]) -> None:
        self.found = {name: array.astype(np.float64) for name, array in found.items()}

    def encode(self, features: Floats) -> npt.NDArray[np.float64]:
        """[MELS, 2 * AUDIO] to [AUDIO, WIDTH]."""
        x = self._conv(features.astype(np.float64), "encoder/conv1", 1)
        x = self._conv(x, "encoder/conv2", 2).T
        x = x + self.found["encoder/position_encodings/encodings"]
        for layer in range(LAYERS):
            name = f"encoder/layer_{layer}"
            y = self._norm(x, f"{name}/self_attention")
            query, key, value = np.split(self._linear(y, f"{name}/self_attention/linear_0"), 3, 1)
            x = x + self._linear(
                _attend(query, key, value, causal=False), f"{name}/self_attention/linear_1"
            )
            x = self._feed(x, name)
        return self._norm(x, "encoder")

    def decode(self, ids: list[int], audio: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        """All logits, [len(ids), VOCABULARY]."""
        words = self.found["decoder/embeddings/weight"]
        x = words[ids] + self.found["decoder/position_encodings/encodings"][: len(ids)]
        for layer in range(LAYERS):
            name = f"decoder/layer_{layer}"
            y = self._norm(x, f"{name}/self_attention")
            query, key, value = np.split(self._linear(y, f"{name}/self_attention/linear_0"), 3, 1)
            x = x + self._linear(
                _attend(query, key, value, causal=True), f"{name}/self_attention/linear_1"
            )
            query = self._linear(self._norm(x, f"{name}/attention"), f"{name}/attention/linear_0")
            key, value = np.split(self._linear(audio, f"{name}/attention/linear_1"), 2, 1)
            x = x + self._linear(
                _attend(query, key, value, causal=False), f"{name}/attention/linear_2"
            )
            x = self._feed(x, name)
        out: npt.NDArray[np.float64] = self._norm(x, "decoder") @ words.T
        return out

    def _conv(self, x: npt.NDArray[np.float64], name: str, step: int) -> npt.NDArray[np.float64]:
        kernel, bias = self.found[f"{name}/weight"], self.found[f"{name}/bias"]
        padded = np.pad(x, ((0, 0), (1, 1)))
        columns = [
            (kernel * padded[:, at : at + 3]).sum((1, 2)) + bias
            for at in range(0, x.shape[1], step)
        ]
        return _gelu(np.stack(columns, 1))

    def _linear(self, x: npt.NDArray[np.float64], name: str) -> npt.NDArray[np.float64]:
        out: npt.NDArray[np.float64] = (
            x @ self.found[f"{name}/weight"].T + self.found[f"{name}/bias"]
        )
        return out

    def _norm(self, x: npt.NDArray[np.float64], name: str) -> npt.NDArray[np.float64]:
        centred = x - x.mean(-1, keepdims=True)
        scaled = centred / np.sqrt((centred**2).mean(-1, keepdims=True) + 1e-5)
        gain, bias = (self.found[f"{name}/layer_norm/{part}"] for part in ("gamma", "beta"))
        out: npt.NDArray[np.float64] = scaled * gain + bias
        return out

    def _feed(self, x: npt.NDArray[np.float64], name: str) -> npt.NDArray[np.float64]:
        hidden = _gelu(self._linear(self._norm(x, f"{name}/ffn"), f"{name}/ffn/linear_0"))
        return x + self._linear(hidden, f"{name}/ffn/linear_1")


def _attend(
    query: npt.NDArray[np.float64],
    key: npt.NDArray[np.float64],
    value: npt.NDArray[np.float64],
    *,
    causal: bool,
) -> npt.NDArray[np.float64]:
    outs = []
    for q, k, v in zip(*(np.split(part, HEADS, 1) for part in (query, key, value)), strict=True):
        scores = q @ k.T / math.sqrt(WIDTH // HEADS)
        if causal:
            scores[np.triu_indices(len(scores), 1)] = -np.inf
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        outs.append(weights / weights.sum(-1, keepdims=True) @ v)
    return np.concatenate(outs, 1)


def _gelu(x: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    erf = np.vectorize(math.erf, otypes=[np.float64])
    out: npt.NDArray[np.float64] = x * (1 + erf(x / math.sqrt(2))) / 2
    return out
