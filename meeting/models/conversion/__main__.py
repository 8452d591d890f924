"""`python -m meeting.models.conversion KIND WEIGHTS FOLDER`: convert in a process of its own."""

import sys
from pathlib import Path

from meeting.models.conversion import whisper
from meeting.models.conversion.ctranslate import Weights
from meeting.models.errors import ConversionError

KINDS = {"whisper": whisper.convert}


def tell(done: int, total: int) -> None:
    """Print progress in the form that the parent reads."""
    sys.stdout.write(f"Progress {done} of {total}\n")
    sys.stdout.flush()


def main(arguments: list[str]) -> int:
    """Returns the exit code; complaints go to stderr."""
    try:
        kind, weights, folder = arguments
        KINDS[kind](Weights.open(Path(weights)), Path(folder), tell)
    except (ConversionError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
