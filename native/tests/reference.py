"""Write what numpy and plain Python compute, for the C++ tests to compare with.

Usage: reference.py FOLDER. Arrays become raw little-endian files (`.f32`, `.f64`), the rest JSON.
Nothing here shares code or method with the engine: the transform is numpy's, tones are sampled
anew at the other rate instead of being filtered, and byte pairs are merged by the list of merges.
"""

import json
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

RATES = (8000, 11025, 22050, 32000, 44056, 44100, 48000, 96000, 192000)
MERGES = 600


def save(folder: Path, name: str, values: Array, kind: str = "f4") -> None:
    """Write `values` as raw 32-bit (f4) or 64-bit (f8) floats."""
    suffix = {"f4": "f32", "f8": "f64"}[kind]
    (folder / f"{name}.{suffix}").write_bytes(values.astype(f"<{kind}").tobytes())


def hertz(mel: Array) -> Array:
    """Turn Slaney's mels into Hz."""
    high: Array = 1000 * np.exp(np.log(6.4) / 27 * (mel - 15))
    return np.where(mel < 15, mel * 200 / 3, high)


def log_mel(sound: Array) -> Array:
    """Compute Whisper's input, 80 bands by 3000 frames, of up to 30 s at 16 kHz."""
    top = 15 + np.log(8) / (np.log(6.4) / 27)
    edges = hertz(np.linspace(0, top, 82))
    bins = np.linspace(0, 8000, 201)
    rise = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    fall = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    bands = np.maximum(0, np.minimum(rise, fall)) * 2 / (edges[2:] - edges[:-2])[:, None]
    padded = np.pad(np.pad(sound, (0, 480000 - len(sound))), 200, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, 400)[::160][:3000]
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(400) / 400)
    power = np.abs(np.fft.rfft(frames * window, axis=1)) ** 2
    logs = np.log10(np.maximum(bands @ power.T, 1e-10))
    scaled: Array = (np.maximum(logs, logs.max() - 8) + 4) / 4
    return scaled


def tones(rate: int) -> Array:
    """Sample three tones that every rate can carry for half a second."""
    at = np.arange(rate // 2) / rate
    pitches = np.array([[120.0], [997.0], [3400.0]])
    mixed: Array = 0.2 * np.sin(2 * np.pi * pitches * at + pitches).sum(axis=0)
    return mixed


def softmax(row: Array) -> Array:
    """Normalise exp of `row` to a sum of 1."""
    powers = np.exp(row - row.max())
    shares: Array = powers / powers.sum()
    return shares


def written() -> dict[int, str]:
    """Map each byte to the character that byte-level vocabularies write for it."""
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [byte for byte in range(256) if byte not in plain]
    return {byte: chr(byte) for byte in plain} | {
        byte: chr(256 + place) for place, byte in enumerate(rest)
    }


def merged(parts: list[str], pair: tuple[str, str]) -> list[str]:
    """Join every occurrence of `pair`, from the left."""
    out: list[str] = []
    for part in parts:
        if out and (out[-1], part) == pair:
            out[-1] += part
        else:
            out.append(part)
    return out


def learn(words: list[str]) -> list[tuple[str, str]]:
    """Learn byte pairs: each time the most frequent one, the lesser of equals."""
    alphabet = written()
    corpus = [[alphabet[byte] for byte in word.encode()] for word in words]
    merges: list[tuple[str, str]] = []
    while len(merges) < MERGES:
        counts: dict[tuple[str, str], int] = {}
        for parts in corpus:
            for pair in pairwise(parts):
                counts[pair] = counts.get(pair, 0) + 1
        best = min(counts, key=lambda pair: (-counts[pair], pair))
        merges.append(best)
        corpus = [merged(parts, best) for parts in corpus]
    return merges


def tokenizer(folder: Path) -> None:
    """Write a small tokenizer over phrases in all languages, and the ids of each phrase."""
    phrases = json.loads((Path(__file__).parent / "phrases.json").read_text())
    merges = learn(list(phrases.values()))
    tokens = list(dict.fromkeys([*written().values(), *(a + b for a, b in merges)]))
    ids = {token: place for place, token in enumerate(tokens)}
    special = [
        {"id": len(tokens) + place, "content": f"<|{name}|>"}
        for place, name in enumerate(("endoftext", *phrases))
    ]
    model = {"vocab": ids, "merges": merges}
    (folder / "tokenizer.json").write_text(json.dumps({"model": model, "added_tokens": special}))

    cases = []
    for code, phrase in phrases.items():
        parts = [written()[byte] for byte in phrase.encode()]
        for pair in merges:
            parts = merged(parts, pair)
        cases.append({"code": code, "text": phrase, "ids": [ids[part] for part in parts]})
    (folder / "phrases.json").write_text(json.dumps(cases))


def main(folder: Path) -> None:
    """Write all references into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    chance = np.random.default_rng(20)

    at = np.arange(16000 * 7) / 16000
    speechlike = np.sin(2 * np.pi * (200 + 900 * at) * at) * np.sin(2 * np.pi * 3 * at) ** 2
    sound = (0.3 * speechlike + 1e-4 * chance.normal(size=at.size)).astype("f4").astype("f8")
    save(folder, "mel_short", sound)
    save(folder, "mel_short_expected", log_mel(sound))
    full = np.resize(sound, 480000)
    save(folder, "mel_full_expected", log_mel(full))

    for rate in RATES:
        save(folder, f"tones_{rate}", tones(rate))
    save(folder, "tones_expected", tones(16000))

    rows = chance.normal(0, 4, size=(12, 600))
    rows[3] += 200  # exp of it would overflow a float
    picked = chance.integers(0, 600, size=12)
    rows = rows.astype("f4").astype("f8")
    save(folder, "logits", rows)
    save(folder, "picked", picked.astype("f8"))
    save(folder, "languages_expected", softmax(rows[0, 400:499]), "f8")
    chosen = [np.log(softmax(row)[token]) for row, token in zip(rows, picked, strict=True)]
    save(folder, "confidence_expected", np.exp([np.mean(chosen)]), "f8")

    tokenizer(folder)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
