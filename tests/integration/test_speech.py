"""Real speech, recognised by the real engine over its socket."""

import wave
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from meeting.models import sample
from tests.engine import Requester, engine
from tests.words import characters, differences, words

pytestmark = pytest.mark.long

Samples = npt.NDArray[np.float64]

LIBRISPEECH = "en-librispeech-1995-1837-0001.wav"
AISHELL = "zh-aishell-BAC009S0724W0121.wav"
SAID = (
    "it was the first great sorrow of his life it was not so much the loss of the cotton itself"
    " but the fantasy the hopes the dreams built around it"
)
RATE = 16_000


@pytest.fixture(scope="module")
def listener(models: Path) -> Iterator[Requester]:
    """A client of an engine with all models."""
    with engine(models) as client:
        yield client


@pytest.fixture(scope="module")
def two_cities(models: Path) -> Path:
    """Dickens, read aloud: 44 s at 48 kHz."""
    return sample(models)


def pcm(samples: Samples) -> bytes:
    """Encode samples from -1 to 1 as the engine's default format."""
    return (np.clip(samples, -1, 1) * 32767).astype("<i2").tobytes()


def samples_of(path: Path) -> Samples:
    """Read a WAV of 16 bits, one channel, at 16 kHz or 48 kHz, as samples at 16 kHz."""
    with wave.open(str(path)) as file:
        raw = np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float64)
        step = file.getframerate() // RATE
        if file.getnchannels() == 2:
            raw = raw.reshape(-1, 2).mean(axis=1)
    if step > 1:
        # A plain windowed sinc of our own, so that the test does not lean on the engine's filter.
        taps = np.arange(-96, 97)
        kernel = np.sinc(taps / step) * np.hanning(len(taps)) / step
        raw = np.convolve(raw, kernel, "same")[::step]
    return raw / 32768


def test_two_cities(
    listener: Requester,
    two_cities: Path,
    shared: Path,
    record_property: Callable[[str, object], None],
) -> None:
    """Forty-four seconds of English have a word error rate of at most .03."""
    reference = words((shared / "media" / "two-cities.txt").read_text())
    heard = listener.hear(two_cities.read_bytes(), format="wav")
    errors = differences(reference, words(heard["text"]))
    record_property("wrong words", f"{len(errors)} of {len(reference)}")
    pace = heard["latency_ms"] / heard["duration_ms"]
    record_property("seconds of work for one of speech", f"{pace:.2f}")
    assert len(errors) / len(reference) <= 0.03, errors
    assert heard["language"] == "en"
    assert abs(heard["duration_ms"] - 44_376) < 100
    ends = [segment["end_ms"] for segment in heard["segments"]]
    assert ends == sorted(ends)
    assert " ".join(s["text"].strip() for s in heard["segments"]) == heard["text"].strip()


def test_librispeech(listener: Requester, shared: Path) -> None:
    """A sentence of LibriSpeech is heard without an error."""
    heard = listener.hear((shared / "media" / LIBRISPEECH).read_bytes(), format="wav")
    assert words(heard["text"]) == words(SAID)
    assert heard["language"] == "en"
    assert 0.5 < heard["confidence"] <= 1


def test_aishell(listener: Requester, shared: Path) -> None:
    """Mandarin is detected, written in simplified script, at most 4 of 12 characters wrong."""
    heard = listener.hear((shared / "media" / AISHELL).read_bytes(), format="wav")
    errors = differences(characters("广州市房地产中介协会分析"), characters(heard["text"]))
    assert heard["language"] == "zh"
    assert len(errors) <= 4, (heard["text"], errors)
    assert not set(heard["text"]) & set("廣產會協間飛業這個國學")


def test_language_as_given(listener: Requester, shared: Path) -> None:
    """A language that is given is answered as it was given."""
    heard = listener.hear((shared / "media" / AISHELL).read_bytes(), format="wav", language="zh-CN")
    assert heard["language"] == "zh-CN"


@pytest.mark.parametrize("what", ["silence", "noise", "hum", "click"])
def test_nothing_said(listener: Requester, what: str) -> None:
    """Where nobody speaks, nothing is heard: no text, no confidence, no segments."""
    dice = np.random.default_rng(7)
    time = np.arange(12 * RATE) / RATE
    sound = {
        "silence": np.zeros_like(time),
        "noise": dice.normal(0, 0.1, len(time)),
        "hum": 0.5 * np.sin(2 * np.pi * 50 * time),
        "click": np.where(np.arange(len(time)) % RATE == 0, 0.9, 0.0),
    }[what]
    heard = listener.hear(pcm(sound))
    assert (heard["text"], heard["confidence"], heard["segments"]) == ("", 0, [])
    assert heard["duration_ms"] == 12_000


@pytest.mark.parametrize("seconds", [90, 290])
def test_long(listener: Requester, shared: Path, two_cities: Path, seconds: int) -> None:
    """Audio over 30 s is cut at pauses and joined again; no word is lost within 1 s of a cut."""
    clips = [
        (samples_of(shared / "media" / LIBRISPEECH), words(SAID)),
        (samples_of(two_cities), words((shared / "media" / "two-cities.txt").read_text())),
    ]
    joined: list[Samples] = []
    reference: list[str] = []
    starts: list[tuple[float, int]] = []
    length = 0.0
    while length < seconds:
        sound, text = clips[len(starts) % 2]
        if length + len(sound) / RATE > seconds + 1:
            sound, text = clips[0]
            if length + len(sound) / RATE > seconds + 1:
                break
        starts.append((length, len(reference)))
        joined.append(sound)
        reference += text
        length += len(sound) / RATE
    heard = listener.hear(pcm(np.concatenate(joined)))
    errors = differences(reference, words(heard["text"]))
    missing = [error for error in errors if error[0] == "missing"]
    # The cuts are not told; with no missing word at all there is none near a cut either.
    assert missing == [], (missing, errors)
    assert len(errors) / len(reference) <= 0.04, errors
    assert abs(heard["duration_ms"] - length * 1000) < 50


@pytest.mark.parametrize(("rate", "channels"), [(8_000, 1), (44_100, 2), (48_000, 1), (96_000, 8)])
def test_rates_and_channels(listener: Requester, shared: Path, rate: int, channels: int) -> None:
    """Other rates and channel counts of the same words are heard as well as the first."""
    sound = samples_of(shared / "media" / LIBRISPEECH)
    places = np.arange(int(len(sound) * rate / RATE)) * RATE / rate
    # Band-limited enough for speech: the engine's own filter is what is looked at.
    changed = np.interp(places, np.arange(len(sound)), sound)
    many = np.repeat(changed[:, None], channels, axis=1)
    heard = listener.hear(pcm(many), sample_rate=str(rate), channels=str(channels))
    assert len(differences(words(SAID), words(heard["text"]))) <= 1, heard["text"]


def test_deadline(listener: Requester, two_cities: Path) -> None:
    """A recognition that takes longer than it may is ended, and the engine goes on."""
    reply = listener.ask(
        "speech_recognition", two_cities.read_bytes(), format="wav", deadline_ms="700"
    )
    assert reply["status"] == "error"
    assert reply["error"].startswith("deadline:")
    assert reply["latency"] < 5_000
    assert listener.ask("ping")["status"] == "success"


def test_the_engine_s_own_deadline(models: Path, two_cities: Path) -> None:
    """The setting ends what asks for longer, so it is also what a longer one has to change."""
    with engine(models, "ai.speech_seconds=0.7") as client:
        reply = client.ask(
            "speech_recognition", two_cities.read_bytes(), format="wav", deadline_ms="60000"
        )
    assert reply["error"].startswith("deadline:")
    assert 900 < reply["latency"] < 5_000
