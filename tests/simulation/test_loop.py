"""The simulated loop: virtual time, chance from a seed, processes that die at any step."""

import asyncio
import hashlib
import os
import subprocess
import sys

import pytest

from tests.simulation.loop import Loop, Stalled, explore
from tests.simulation.process import Crash, Process


async def race(loop: Loop) -> list[int]:
    """Let twenty tasks pass three points each; in which order they came."""
    came: list[int] = []

    async def run(number: int) -> None:
        for _ in range(3):
            await asyncio.sleep(0)
            came.append(number)

    async with asyncio.TaskGroup() as group:
        for number in range(20):
            group.create_task(run(number))
    waits = {asyncio.create_task(asyncio.sleep(1 + number)) for number in range(20)}
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    for wait in waits:
        wait.cancel()
    loop.note(str(came))
    return came


def test_order() -> None:
    """A seed is an order: the same one twice, another one with another seed."""
    assert Loop(1).run(race) == Loop(1).run(race)
    assert Loop(1).run(race) != Loop(2).run(race)


def test_other_process() -> None:
    """A seed means the same in another process, whatever the hashes of that one are."""
    program = "from tests.simulation import test_loop as t; print(t.digest())"
    told = [
        subprocess.check_output(
            [sys.executable, "-c", program], env=os.environ | {"PYTHONHASHSEED": seed}, text=True
        )
        for seed in ("1", "2")
    ]
    assert told == [digest() + "\n"] * 2


def digest() -> str:
    """Return what happens with one seed in short."""
    loop = Loop(3)
    loop.run(scene)
    return hashlib.sha256("\n".join(loop.trace).encode()).hexdigest()


def test_time() -> None:
    """An hour passes at once, and what is due first happens first."""

    async def hour(loop: Loop) -> list[float]:
        times: list[float] = []

        async def note(after: float) -> None:
            await asyncio.sleep(after)
            times.append(loop.time())

        await asyncio.gather(*(note(after) for after in (3600, 60, 1800)))
        return times

    assert Loop(1).run(hour) == pytest.approx([60, 1800, 3600])


def test_stalled() -> None:
    """A scene that waits for what can't come fails and does not hang."""

    async def wait(_loop: Loop) -> None:
        await asyncio.Event().wait()

    loop = Loop(1)
    loop.trace.append("here")
    with pytest.raises(Stalled):
        loop.run(wait)


async def scene(loop: Loop) -> None:
    """Let processes write into a store until each has died once."""
    kept: list[str] = []

    async def work(process: Process) -> None:
        try:
            while True:
                await process.step("write")
                kept.append(process.name)
                await process.step("written")
        finally:
            await process.step("finally")
            kept.append("finally")

    for number in range(3):
        process = Process(loop, f"p{number}", crash=0.05, freeze=0.05, longest=10)
        process.start(work(process))
        await process.over()
        assert process.dead
    await race(loop)
    assert "finally" not in kept


def test_crash() -> None:
    """What died does nothing to a store any more, not even at its end."""
    assert explore(scene, range(50)) == 50


def test_kill() -> None:
    """Whoever is killed while it waits is cancelled, with all that it has started."""

    async def killed(loop: Loop) -> None:
        process = Process(loop, "p")

        async def inner() -> None:
            await asyncio.Event().wait()

        async def outer() -> None:
            await asyncio.create_task(inner())

        task = process.start(outer())
        await asyncio.sleep(1)
        process.kill()
        await process.over()
        assert task.cancelled()
        with pytest.raises(Crash):
            await process.step("after death")

    Loop(1).run(killed)


def test_named_seed() -> None:
    """The seed that failed is named, with what happened last."""

    async def fail(loop: Loop) -> None:
        loop.note("about to fail")
        assert loop.seed != 7

    with pytest.raises(AssertionError, match=r"seed 7 failed.*SIMULATION_SEED=7.*\n.*about to"):
        explore(fail, range(20))
