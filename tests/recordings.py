"""Recordings of people speaking, as clients send them."""

import base64
import wave
from pathlib import Path

LIBRISPEECH = "en-librispeech-1995-1837-0001.wav"


def spoken(shared: Path, seconds: int) -> str:
    """Return the first seconds of a sentence of LibriSpeech, as base64 of samples at 16 kHz."""
    with wave.open(str(shared / "media" / LIBRISPEECH)) as file:
        return base64.b64encode(file.readframes(seconds * file.getframerate())).decode()
