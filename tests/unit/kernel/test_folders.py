"""Where files lie by default."""

from collections.abc import Callable
from pathlib import Path

import pytest

from meeting.app.state import default_folder
from meeting.models import default_cache


@pytest.mark.parametrize(
    ("place", "variable", "usual", "ours"),
    [
        (default_folder, "XDG_STATE_HOME", ".local/state", "meeting"),
        (default_cache, "XDG_CACHE_HOME", ".cache", "meeting/models"),
    ],
)
@pytest.mark.parametrize("said", [None, "", "relative/place", "/srv/own"])
def test_the_desktop_standard(
    monkeypatch: pytest.MonkeyPatch,
    place: Callable[[], Path],
    variable: str,
    usual: str,
    ours: str,
    said: str | None,
) -> None:
    """State and cache go where the variable says, if it is absolute, else into the home."""
    monkeypatch.delenv(variable, raising=False)
    if said is not None:
        monkeypatch.setenv(variable, said)
    expected = Path("/srv/own") if said == "/srv/own" else Path.home() / usual
    assert place() == expected / ours
