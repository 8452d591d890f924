"""How long is waited before something that fell is started again."""

import random
from datetime import timedelta

from meeting.app.supervisor.backoff import FIRST_PAUSE, HEALTHY_SECONDS, LONGEST_PAUSE, Backoff
from tests.clock import MovingClock

CHANCE = random.Random(5)  # noqa: S311 - spreads, guards nothing


def test_pauses_grow_and_are_spread() -> None:
    """Each fall doubles the pause up to its limit; what is waited lies between half and all."""
    backoff = Backoff(MovingClock(), CHANCE)
    pauses = []
    whole = FIRST_PAUSE
    for _ in range(10):
        backoff.began()
        pauses.append(backoff.fell())
        assert whole / 2 <= pauses[-1] <= whole
        whole = min(whole * 2, LONGEST_PAUSE)
    assert whole == LONGEST_PAUSE
    assert len(set(pauses)) == len(pauses)


def test_a_good_run_is_a_new_beginning() -> None:
    """After standing long enough a fall counts as the first; just before, it does not."""
    clock = MovingClock()
    backoff = Backoff(clock, CHANCE)
    for _ in range(8):
        backoff.began()
        backoff.fell()
    backoff.began()
    clock.move(timedelta(seconds=HEALTHY_SECONDS - 1))
    assert backoff.fell() > FIRST_PAUSE
    backoff.began()
    clock.move(timedelta(seconds=HEALTHY_SECONDS))
    assert backoff.fell() <= FIRST_PAUSE
