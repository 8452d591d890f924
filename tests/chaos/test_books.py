"""The books that the ledger rests on: script, plan, journal, and how they are compared."""

from pathlib import Path

from tests.chaos.journal import Book, Journal
from tests.chaos.orders import Orders
from tests.chaos.plan import EMBEDDED, SERVERS, SPLIT, How, plan
from tests.chaos.script import script
from tests.chaos.split.visit import Visit, address, numbered, visits
from tests.chaos.witness import judge


def orders(seed: int = 1) -> Orders:
    """Ask for a few hundred things of both kinds."""
    return Orders(seed=seed, tasks=300, events=100, folder="", database="")


def book(asked: str, answered: str) -> Book:
    """Write down tasks by letters."""
    return Book(0, {("task", ord(each)) for each in asked}, {("task", ord(e)) for e in answered})


def names(found: list[tuple[str, int]]) -> str:
    """Return tasks as letters."""
    return "".join(chr(number) for _, number in found)


def test_the_witness() -> None:
    """Each kind of wrong is told from the others, and no answer is none of them."""
    found = {("task", ord(each)): often for each, often in {"a": 1, "b": 2, "x": 1, "d": 1}.items()}
    dead = {("task", ord("c")), ("task", ord("d"))}
    verdict = judge(book("abcdefg", "abcdef"), found, dead, whole=True)
    assert names(verdict.lost) == "ef"
    assert names(verdict.doubled) == "bd"
    assert names(verdict.invented) == "x"
    assert (verdict.unanswered, verdict.dead) == (1, 2)
    assert judge(book("a", "a"), {}, set(), whole=False).lost == []


def test_the_script() -> None:
    """All numbers come once, in order, and the same seed says the same."""
    steps = list(script(orders()))
    assert [each.number for step in steps for each in step.tasks] == list(range(300))
    assert [each.number for step in steps for each in step.events] == list(range(100))
    assert steps[-1].reached == 400
    assert steps == list(script(orders()))
    assert steps != list(script(orders(seed=2)))


def test_the_plan() -> None:
    """As many kills as were asked for, of everybody that there is; the same for the same seed."""
    strikes = plan(1, 100, SERVERS)
    kills = [each.target for each in strikes if each.how is How.KILL]
    assert len(kills) == 100
    assert set(kills) == set(SERVERS.kills)
    assert strikes == plan(1, 100, SERVERS)
    assert strikes != plan(2, 100, SERVERS)
    for cast in (EMBEDDED, SPLIT):
        assert {each.target for each in plan(1, 100, cast)} == set(cast.kills)


def test_the_journal(tmp_path: Path) -> None:
    """What was asked for and what was acknowledged come back, and where to go on."""
    first, second, *_ = script(orders())
    journal = Journal(tmp_path / "journal")
    journal.asked(first)
    journal.answered(first)
    Journal(tmp_path / "journal").asked(second)
    read = Book.read(tmp_path / "journal")
    assert read.last == second.number
    assert len(read.asked) == second.reached
    assert len(read.answered) == first.reached
    assert Book.read(tmp_path / "none") == Book(0, set(), set())


def test_the_visits(tmp_path: Path) -> None:
    """What a visit asks for comes back from the journal; attempts are known by their address."""
    first, second = visits(6, 8)
    assert (first.number, second.ends) == (7, False)
    journal = Journal(tmp_path / "journal")
    deeds = [first.deed("meeting", "ready"), first.attempt(3, "login"), first.end(guest=2)]
    for deed in deeds:
        journal.asked(deed)
    journal.answered(deeds[0])
    read = Book.read(tmp_path / "journal")
    assert read.asked == {thing for deed in deeds for thing in deed.things}
    assert (read.last, read.answered) == (7, {("meeting", 7), ("ready", 7)})
    for number in (1, 256, Visit(200_000).attempt(5, "login").things[0][1]):
        assert numbered(address(number)) == number
