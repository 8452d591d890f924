"""The conversion of Whisper against its own forward pass in numpy, on a model of a few weights."""

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnx
import onnxruntime  # type: ignore[import-untyped]
import pytest

from meeting.models.conversion.ctranslate import Weights
from meeting.models.conversion.whisper import convert
from meeting.models.errors import ConversionError
from tests.unit.models import tinywhisper as tiny

Feed = dict[str, npt.NDArray[np.generic]]


def weights(**changes: npt.NDArray[np.generic]) -> Weights:
    """The tiny model with some variables replaced; `__` in a name stands for `/`."""
    found = tiny.variables()
    found.update({name.replace("__", "/"): array for name, array in changes.items()})
    return Weights(memoryview(tiny.pack(found)))


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The two graphs of the tiny model."""
    path = tmp_path_factory.mktemp("tiny")
    convert(weights(), path, lambda done, total: None)
    return path


@pytest.fixture(scope="module")
def features() -> npt.NDArray[np.float32]:
    """Two different items of audio."""
    shape = (2, tiny.MELS, 2 * tiny.AUDIO)
    return np.random.default_rng(1).standard_normal(shape).astype(np.float32)


class Runner:
    """Both graphs in ONNX Runtime."""

    def __init__(self, folder: Path) -> None:
        self.encoder = onnxruntime.InferenceSession(folder / "encoder.onnx")
        self.decoder = onnxruntime.InferenceSession(folder / "decoder.onnx")

    def encode(self, features: npt.NDArray[np.float32]) -> Feed:
        """Outputs of the encoder by name."""
        return _run(self.encoder, {"input_features": features})

    def decode(self, ids: list[list[int]], kept: Feed, encoded: Feed) -> Feed:
        """Outputs of the decoder by name; `kept` empty starts a text."""
        empty = np.zeros((len(ids), tiny.HEADS, 0, tiny.WIDTH // tiny.HEADS), np.float32)
        names = [f"{layer}.{kind}" for layer in range(tiny.LAYERS) for kind in ("key", "value")]
        past = {f"past.{name}": kept.get(f"present.{name}", empty) for name in names}
        cross = {name: array for name, array in encoded.items() if name.startswith("cross.")}
        return _run(self.decoder, {"input_ids": np.array(ids, np.int64), **past, **cross})


def _run(session: onnxruntime.InferenceSession, feed: Feed) -> Feed:
    names = [output.name for output in session.get_outputs()]
    return dict(zip(names, session.run(names, feed), strict=True))


def close(left: Any, right: Any) -> None:
    """Equal as far as float32 can tell, on values of about 1."""
    np.testing.assert_allclose(left, right, atol=2e-5, rtol=1e-4)


def test_encoder_equals_its_definition(folder: Path, features: npt.NDArray[np.float32]) -> None:
    """Each item of a batch is encoded as the model is defined."""
    found = Runner(folder).encode(features)["last_hidden_state"]
    reference = tiny.Reference(tiny.variables())
    close(found, np.stack([reference.encode(item) for item in features]))


def test_decoder_equals_its_definition(folder: Path, features: npt.NDArray[np.float32]) -> None:
    """The logits of the last position follow from all ids so far and from the audio."""
    runner, reference = Runner(folder), tiny.Reference(tiny.variables())
    ids = [[3, 1, 4, 1, 5], [9, 2, 6, 5, 3]]
    found = runner.decode(ids, {}, runner.encode(features))["logits"]
    wanted = [
        reference.decode(row, reference.encode(item))[-1:]
        for row, item in zip(ids, features, strict=True)
    ]
    assert found.shape == (2, 1, tiny.VOCABULARY)
    close(found, np.stack(wanted))


@pytest.mark.parametrize("cuts", [(1, 1, 1, 1, 1), (3, 2), (1, 4)])
def test_kept_keys_and_values_stand_for_the_ids_before(
    folder: Path, features: npt.NDArray[np.float32], cuts: tuple[int, ...]
) -> None:
    """A text given in pieces ends with the logits of the text given at once."""
    runner, reference = Runner(folder), tiny.Reference(tiny.variables())
    encoded, ids, out = runner.encode(features[:1]), [3, 1, 4, 1, 5], Feed()
    for cut in cuts:
        out = runner.decode([ids[:cut]], out, encoded)
        ids = ids[cut:]
    wanted = reference.decode([3, 1, 4, 1, 5], reference.encode(features[0]))
    close(out["logits"][0, 0], wanted[-1])


def test_a_text_longer_than_the_model_is_an_error(
    folder: Path, features: npt.NDArray[np.float32]
) -> None:
    """Past the last text position there is an error, never a made-up answer."""
    runner = Runner(folder)
    encoded = runner.encode(features[:1])
    runner.decode([[1] * tiny.TEXT], {}, encoded)
    with pytest.raises(Exception, match=r"(?i)broadcast|dimension"):
        runner.decode([[1] * (tiny.TEXT + 1)], {}, encoded)


def test_files_are_well_formed_and_always_the_same(folder: Path, tmp_path: Path) -> None:
    """The written protobuf passes ONNX's own checker, and a second run writes equal bytes."""
    told: list[tuple[int, int]] = []
    convert(weights(), tmp_path, lambda done, total: told.append((done, total)))
    for name in ("encoder.onnx", "decoder.onnx"):
        onnx.checker.check_model(onnx.load(tmp_path / name), full_check=True)
        assert (tmp_path / name).read_bytes() == (folder / name).read_bytes()
    assert told[-1][0] == told[-1][1]
    assert told == sorted(told)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("decoder/activation", np.array(0, np.int8), "decoder/activation is 0"),
        ("decoder/num_heads", np.array(3, np.int16), "3 heads do not fit"),
        ("decoder/embeddings/weight", np.zeros(4, np.float16), "expected a matrix"),
        ("encoder/conv1/bias", np.zeros(9, np.float16), r"has the shape \(9,\)"),
        ("decoder/layer_1/ffn/linear_1/bias", np.zeros(9, np.float16), r"has the shape \(9,\)"),
    ],
)
def test_another_architecture_is_refused(
    tmp_path: Path, name: str, value: npt.NDArray[np.generic], words: str
) -> None:
    """What the graphs do not stand for is an error that names the variable."""
    with pytest.raises(ConversionError, match=words):
        convert(weights(**{name: value}), tmp_path, lambda done, total: None)
