"""Where this user's files lie unless a setting says otherwise: as the desktop standard has it."""

import os
from pathlib import Path


def standard(variable: str, usual: str) -> Path:
    """Return our folder below what the variable names, or below the usual place in the home.

    A relative path in the variable is ignored, as the standard (XDG base directories) asks: it
    would be another folder for each place that a command is typed in.
    """
    base = Path(os.environ.get(variable, ""))
    return (base if base.is_absolute() else Path.home() / usual) / "meeting"
