"""What the benches take on their command line."""

import argparse

import pytest

from tests.bench.bounds import positive


@pytest.mark.parametrize("text", ["0", "-1", "x", "", "nan", "inf", "1e9"])
def test_what_is_no_amount_is_refused(text: str) -> None:
    """With a sentence, before anything is measured."""
    with pytest.raises(argparse.ArgumentTypeError, match="no number above 0"):
        positive(float)(text)
    with pytest.raises(argparse.ArgumentTypeError):
        positive(int)(text)


def test_an_amount_is_read() -> None:
    """Whole or not, as the option wants it."""
    assert positive(int)("5") == 5
    assert positive(float)("0.5") == 0.5
