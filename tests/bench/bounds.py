"""What a number on the command line may be."""

import argparse
import math
from collections.abc import Callable
from typing import TypeVar

N = TypeVar("N", int, float)


def positive(kind: Callable[[str], N], most: float = 1e6) -> Callable[[str], N]:
    """Read a number above 0; argparse says what is wrong with another."""

    def read(text: str) -> N:
        try:
            number = kind(text)
        except ValueError:
            number = kind("0")
        if not 0 < number <= most or math.isnan(number):
            raise argparse.ArgumentTypeError(f"{text!r} is no number above 0, up to {most:g}")
        return number

    return read
