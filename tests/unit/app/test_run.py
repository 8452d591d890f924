"""Modules start in order, tell how they stand, and stop in reverse."""

import asyncio
import gc
import os
import signal
from graphlib import CycleError

import pytest

from meeting.app.module import Module, State
from meeting.app.modules import AFTER, order
from meeting.app.run import House, run


def test_order() -> None:
    """Everything starts after what it needs."""
    names = order()
    assert sorted(names) == sorted(AFTER)
    for name, earlier in AFTER.items():
        assert all(names.index(each) < names.index(name) for each in earlier)


def test_circle_is_named() -> None:
    """Modules that wait for each other are refused by name."""
    with pytest.raises(CycleError, match=r"'a', 'b', 'a'|'b', 'a', 'b'"):
        order({"a": ("b",), "b": ("a",)})


def stands(house: House) -> str:
    """Ask how the house stands, afresh each time."""
    return house.status


class Diary:
    """Writes down what the modules do."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def module(self, name: str, *, fails: bool = False) -> Module:
        """Make a module that writes its starts and stops here."""

        async def start() -> None:
            self.lines.append(f"start {name}")
            if fails:
                raise ZeroDivisionError

        async def drain() -> None:
            self.lines.append(f"drain {name}")

        async def stop() -> None:
            self.lines.append(f"stop {name}")

        return Module(name, start=start, drain=drain, stop=stop)


async def test_life() -> None:
    """Start in order; drain all before the first stops; stop in reverse."""
    diary = Diary()
    house = House([diary.module("a"), diary.module("b")], drain_seconds=1)
    assert stands(house) == "starting"
    await house.start()
    assert stands(house) == "ready"
    await house.stop()
    assert diary.lines == ["start a", "start b", "drain b", "drain a", "stop b", "stop a"]
    assert {module.state for module in house.modules} == {State.TERMINATED}


async def test_failed_start() -> None:
    """When one can't start, those before it are stopped and the reason is kept."""
    diary = Diary()
    house = House([diary.module("a"), diary.module("b", fails=True)], drain_seconds=1)
    with pytest.raises(ZeroDivisionError):
        await house.start()
    assert diary.lines == ["start a", "start b", "stop b", "stop a"]
    assert house.modules[1].state is State.FAILED
    assert "ZeroDivisionError" in house.modules[1].reason


async def test_background_that_ends() -> None:
    """Background work that dies fails its module, and with it the process."""

    async def dies() -> None:
        raise ZeroDivisionError

    house = House([Module("a", background=[dies])], drain_seconds=1)
    await house.start()
    assert await house.wait(asyncio.Event()) is False
    assert stands(house) == "failed"
    await house.stop()


async def test_slow_preparation() -> None:
    """While a module prepares, the rest runs and the house is not ready yet."""
    may_end = asyncio.Event()

    async def prepare() -> None:
        await may_end.wait()

    house = House([Module("a", prepare=prepare), Module("b")], drain_seconds=1)
    await house.start()
    assert stands(house) == "starting"
    assert house.modules[1].state is State.RUNNING
    may_end.set()
    for _ in range(10):
        await asyncio.sleep(0)
    assert stands(house) == "ready"
    await house.stop()


async def test_what_a_module_lacks() -> None:
    """While a running module lacks something it counts as starting, with the reason."""
    lacking = ""
    module = Module("a", lacks=lambda: lacking)
    house = House([module], drain_seconds=1)
    await house.start()
    assert (stands(house), module.standing) == ("ready", (State.RUNNING, ""))
    lacking = "nobody answers"
    assert (stands(house), module.standing) == ("starting", (State.STARTING, lacking))
    await house.stop()
    assert module.standing == (State.TERMINATED, "")


async def test_drain_is_bounded() -> None:
    """A module whose work does not end keeps nobody waiting for ever."""

    async def never() -> None:
        await asyncio.Event().wait()

    house = House([Module("a", drain=never)], drain_seconds=0.01)
    await house.start()
    await house.stop()
    assert house.modules[0].state is State.TERMINATED


async def test_what_stays_is_not_collected_again() -> None:
    """What a process has started with is out of the garbage collector's sight as it serves."""
    seen: list[int] = []

    async def work() -> None:
        await asyncio.sleep(0)  # the house has started by then
        seen.append(gc.get_freeze_count())
        os.kill(os.getpid(), signal.SIGTERM)
        await asyncio.Event().wait()

    before = gc.get_freeze_count()
    try:
        assert await run(House([Module("a", background=[work])], drain_seconds=1)) == 0
    finally:
        gc.unfreeze()
    assert seen[0] > before
