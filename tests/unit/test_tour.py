"""The links of the documents lead somewhere, and to what their text names."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LINK = re.compile(r"\[(?P<text>[^\]]+)\]\((?P<path>[^)#\s]+)\)")


def links(document: str) -> list[tuple[str, str]]:
    """List the links of a document that stay in the house, by text and path."""
    found = LINK.findall((ROOT / document).read_text())
    return [(text, path) for text, path in found if "://" not in path]


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md"])
def test_each_link_leads_somewhere(document: str) -> None:
    """No link outlives the file that it leads to."""
    missing = [path for _, path in links(document) if not (ROOT / path).exists()]
    assert missing == []


def test_each_name_is_where_it_is_said_to_be() -> None:
    """What a link names in code is defined in, or given out by, the file that it leads to."""
    named = [
        (text.strip("`"), path) for text, path in links("CONTRIBUTING.md") if text.startswith("`")
    ]
    assert len(named) > 30
    astray = []
    for name, path in named:
        word = re.escape(name)
        defined = (
            rf"(?m)^\s*(?:async def|def|class|struct) {word}\b|^{word}\b.*=|import .*\b{word}\b"
        )
        if not re.search(defined, (ROOT / path).read_text()):
            astray.append((name, path))
    assert astray == []
