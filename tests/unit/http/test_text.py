"""Error texts in the language that a client asks for."""

import pytest

from meeting.kernel.errors import Fault, Kind, invalid
from meeting.text import language, say
from meeting.text.zh import ZH


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("", "en"),
        ("zh-CN,zh;q=0.9,en;q=0.8", "zh"),
        ("en-US,en;q=0.9,zh;q=0.8", "en"),
        ("fr, zh;q=0.3", "zh"),
        ("zh;q=0, en", "en"),
        ("zh;q=1.2.3", "en"),
        (",;q=,*", "en"),
        ("z" * 10_000, "en"),
    ],
)
def test_the_best_language_of_ours_is_chosen(accept: str, chosen: str) -> None:
    """The header's weights decide; nonsense means English."""
    assert language(accept) == chosen


def test_a_fault_speaks_both() -> None:
    """The template is translated, then filled; what nobody translated stays English."""
    fault = invalid("title", "must be 1 or more")
    assert say(fault, "en") == "title: must be 1 or more"
    assert say(fault, "zh") == "title:至少为 1"
    assert say(Fault(Kind.CONFLICT, "no such words"), "zh") == "no such words"


def test_translations_fill_the_same_names() -> None:
    """Each translation uses exactly the placeholders of its template."""
    for english, chinese in ZH.items():
        assert sorted(names(english)) == sorted(names(chinese)), english


def names(template: str) -> list[str]:
    """List the placeholders of a template."""
    return [part.split("}")[0] for part in template.split("{")[1:]]
