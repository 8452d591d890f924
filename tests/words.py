"""Counts the errors of a recognised text against its reference."""

import re
import unicodedata


def words(text: str) -> list[str]:
    """Split as the references do: lower case, all but letters, digits and apostrophes is space."""
    return re.sub(r"[^\w']|_", " ", text.lower().replace("’", "'")).split()


def characters(text: str) -> list[str]:
    """Split Chinese into characters, without punctuation and spaces."""
    return [letter for letter in text if unicodedata.category(letter)[0] in "LN"]


def differences(reference: list[str], heard: list[str]) -> list[tuple[str, int, str]]:
    """Align two lists with the fewest errors: (kind, place in the reference, item) of each.

    Kinds are `missing`, `added` and `other`.
    """
    rows, columns = len(reference) + 1, len(heard) + 1
    same: bool
    cost = [[i + j if not i * j else 0 for j in range(columns)] for i in range(rows)]
    for i in range(1, rows):
        for j in range(1, columns):
            same = reference[i - 1] == heard[j - 1]
            cost[i][j] = min(
                cost[i - 1][j - 1] + (not same), cost[i - 1][j] + 1, cost[i][j - 1] + 1
            )
    found = []
    i, j = rows - 1, columns - 1
    while i or j:
        same = i > 0 < j and reference[i - 1] == heard[j - 1]
        if i and j and cost[i][j] == cost[i - 1][j - 1] + (not same):
            i, j = i - 1, j - 1
            if not same:
                found.append(("other", i, reference[i]))
        elif i and cost[i][j] == cost[i - 1][j] + 1:
            i -= 1
            found.append(("missing", i, reference[i]))
        else:
            j -= 1
            found.append(("added", i, heard[j]))
    return found[::-1]
