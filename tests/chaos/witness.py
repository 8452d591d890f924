"""Compares what was acknowledged with what had an effect."""

from collections.abc import Collection, Mapping

import msgspec

from tests.chaos.journal import Book, Thing


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What the books say."""

    lost: list[Thing]
    """Acknowledged, without effect, and not among the dead."""
    doubled: list[Thing]
    """With more than one effect, acknowledged or not."""
    invented: list[Thing]
    """With an effect, though nobody asked for it."""
    unanswered: int
    """Asked for without an answer: may have happened, once at most."""
    dead: int
    """Visible as dead letters or parked."""


def judge(
    book: Book, found: Mapping[Thing, int], dead: Collection[Thing], *, whole: bool
) -> Verdict:
    """Compare the journal with the effects; what is dead and has had its effect is doubled, too.

    Of a run that is not whole, because it stopped at the first red, nothing can be called lost.
    """
    kept = found.keys() | dead
    twice = {thing for thing, often in found.items() if often > 1} | (found.keys() & set(dead))
    return Verdict(
        lost=sorted(book.answered - kept) if whole else [],
        doubled=sorted(twice),
        invented=sorted(kept - book.asked),
        unanswered=len(book.asked - book.answered),
        dead=len(dead),
    )
