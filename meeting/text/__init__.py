"""What people read, in the languages that they read: templates looked up in one catalog each."""

import re
from collections.abc import Mapping

from meeting.kernel.errors import Fault
from meeting.text.zh import ZH

CATALOGS: Mapping[str, Mapping[str, str]] = {"en": {}, "zh": ZH}
"""By language: English template to translated template. English is what the code says."""

_RANGE = re.compile(r"\s*([A-Za-z]{1,8}|\*)(?:-[A-Za-z0-9]+)*\s*(?:;\s*q=([0-9.]{1,5}))?\s*")
_LONGEST = 200


def language(accept: str) -> str:
    """Choose from an `Accept-Language` header; English where nothing else of ours is wanted."""
    best, weight = "en", 0.0
    for part in accept[:_LONGEST].split(","):
        if (found := _RANGE.fullmatch(part)) is None:
            continue
        try:
            quality = float(found[2] or 1)
        except ValueError:
            continue
        name = found[1].lower()
        if name in CATALOGS and quality > weight:
            best, weight = name, quality
    return best


def say(fault: Fault, tongue: str) -> str:
    """Write the text of a fault in a language; what the catalog lacks stays English."""
    catalog = CATALOGS[tongue]
    values = {
        name: catalog.get(value, value) if isinstance(value, str) else value
        for name, value in fault.values.items()
    }
    return fill(fault.text, values, tongue)


def fill(text: str, values: Mapping[str, object], tongue: str) -> str:
    """Write a template in a language; the values are taken as they are."""
    template = CATALOGS[tongue].get(text, text)
    return template.format(**values) if values else template
