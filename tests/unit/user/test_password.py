"""The pool that hashes passwords."""

import asyncio
import threading
from collections.abc import Iterator

import pytest

from meeting.kernel.errors import Fault, Kind
from meeting.kernel.password import Passwords


@pytest.fixture
def passwords() -> Iterator[Passwords]:
    """A pool of one, with one place to wait."""
    made = Passwords(workers=1, waiting=1)
    yield made
    made.close()


@pytest.fixture
def held(passwords: Passwords) -> Iterator[threading.Event]:
    """Work that lasts until it is set, at the latest when the test is over."""
    made = threading.Event()
    yield made
    made.set()


async def test_a_hash_fits_its_password_alone(passwords: Passwords) -> None:
    """The same password fits, another does not, and two hashes of one differ."""
    hashed = await passwords.hash("correct horse")
    assert hashed != await passwords.hash("correct horse")
    assert len(hashed) <= 255
    assert await passwords.verify(hashed, "correct horse")
    assert not await passwords.verify(hashed, "wrong horse")
    assert not await passwords.verify("no hash", "correct horse")


async def test_an_unknown_account_costs_the_same_work(
    passwords: Passwords, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a hash one of equal cost is checked, and even its own password does not fit."""
    checked: list[str] = []
    verify = type(passwords._hasher).verify

    def seen(hasher: object, hashed: str, password: str) -> object:
        checked.append(hashed)
        return verify(passwords._hasher, hashed, password)

    hashed = await passwords.hash("correct horse")
    monkeypatch.setattr(type(passwords._hasher), "verify", seen)
    assert not await passwords.verify(None, "correct horse")
    assert not await passwords.verify(None, "")
    assert not await passwords.verify(hashed, "")
    costs = {entry.split("$")[3] for entry in checked}
    assert len(checked) == 3
    assert len(costs) == 1


async def test_who_comes_when_all_places_are_taken_is_told_so(
    passwords: Passwords, held: threading.Event
) -> None:
    """Past the workers and the queue it is 429 with Retry-After; a free place serves again."""
    tasks = [asyncio.create_task(passwords._run(held.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Fault) as caught:
        await passwords.verify(None, "x")
    assert caught.value.kind is Kind.RATE_LIMITED
    assert caught.value.retry_after
    held.set()
    await asyncio.gather(*tasks)
    assert not await passwords.verify(None, "x")


async def test_who_gives_up_does_not_free_a_place_that_is_still_worked_at(
    passwords: Passwords, held: threading.Event
) -> None:
    """The bound counts the work, not the callers that wait for it."""
    tasks = [asyncio.create_task(passwords._run(held.wait)) for _ in range(2)]
    await asyncio.sleep(0)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    with pytest.raises(Fault):
        await passwords.hash("x")
    held.set()
    # The one worker does this after everything that was left behind.
    await asyncio.wrap_future(passwords._pool.submit(int))
    await passwords.hash("x")
