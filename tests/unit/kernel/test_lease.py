"""The rules of a lease, whatever its holders do and whenever they come."""

from datetime import UTC, datetime, timedelta

import hypothesis.strategies as st
from hypothesis import settings
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from meeting.kernel import lease as rules
from meeting.kernel.lease import Lease

OWNERS = st.sampled_from(["ann", "bob", "eve"])
SPANS = st.integers(min_value=1, max_value=10).map(lambda seconds: timedelta(seconds=seconds))
START = datetime(2026, 11, 24, tzinfo=UTC)


class Holders(RuleBasedStateMachine):
    """Three owners and one key, with every hold that anybody ever had."""

    def __init__(self) -> None:
        super().__init__()
        self.now = START
        self.stored: Lease | None = None
        self.given: list[Lease] = []

    @property
    def living(self) -> Lease | None:
        """Return the hold that is good now."""
        lives = self.stored is not None and self.stored.lives(self.now)
        return self.stored if lives else None

    @rule(span=SPANS)
    def wait(self, span: timedelta) -> None:
        """Let time pass."""
        self.now += span

    @rule(owner=OWNERS, ttl=SPANS)
    def take(self, owner: str, ttl: timedelta) -> None:
        """Take the key: it is given exactly where no other owner's hold lives."""
        before = self.living
        free = rules.free(self.stored, owner, self.now)
        assert free == (before is None or before.owner == owner)
        if free:
            self.stored = Lease(
                key="key",
                owner=owner,
                fence=len(self.given) + 1,
                expires_at=self.now + ttl,
                value={"of": owner},
            )
            self.given.append(self.stored)

    @rule(data=st.data(), ttl=SPANS)
    def renew(self, data: st.DataObject, ttl: timedelta) -> None:
        """Renew any hold of the past: only the one that lives now is extended, as it is."""
        if not self.given:
            return
        held = data.draw(st.sampled_from(self.given))
        living = self.living
        renewed = rules.renew(self.stored, held, ttl=ttl, now=self.now)
        good = living is not None and (living.owner, living.fence) == (held.owner, held.fence)
        assert (renewed is not None) == good
        if renewed is not None:
            assert (renewed.owner, renewed.fence) == (held.owner, held.fence)
            assert renewed.expires_at == self.now + ttl
            assert renewed.value == held.value
            self.stored = renewed

    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        """Give back any hold of the past: one with an old fence frees nothing."""
        if not self.given or self.stored is None:
            return
        held = data.draw(st.sampled_from(self.given))
        newest = self.given[-1]
        assert rules.same(self.stored, held) == (held is newest)
        if rules.same(self.stored, held):
            self.stored = None

    @invariant()
    def one_holder(self) -> None:
        """Of all holds ever given at most one can be renewed now."""
        good = [
            held
            for held in self.given
            if rules.renew(self.stored, held, ttl=timedelta(seconds=1), now=self.now) is not None
        ]
        assert len(good) <= 1


TestHolders = Holders.TestCase
TestHolders.settings = settings(max_examples=100, stateful_step_count=30, deadline=None)


def test_over_at_the_moment_of_expiry() -> None:
    """A hold lives until its end, and at that moment no more."""
    held = Lease(key="k", owner="ann", fence=1, expires_at=START)
    assert held.lives(START - timedelta(microseconds=1))
    assert not held.lives(START)
    assert rules.free(held, "bob", START)
