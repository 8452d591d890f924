"""One program that is kept running; the programs are real."""

import asyncio
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from meeting.app.supervisor.account import Unable
from meeting.app.supervisor.backoff import Backoff
from meeting.app.supervisor.child import Child, State
from tests.clock import MovingClock
from tests.integration.supervisor.programs import STANDS, Ear, program

PATIENCE = 30


async def until(true: Callable[[], object]) -> None:
    """Wait until something is so."""
    async with asyncio.timeout(PATIENCE):
        while not true():
            await asyncio.sleep(0.02)


async def ready(child: Child) -> None:
    """Wait until a child is ready."""
    await until(lambda: child.state is State.READY)


async def test_what_falls_is_started_again() -> None:
    """A killed child stands again with a new number; each pause is longer than half the last."""
    ear = Ear()
    child = ear.child(program(STANDS))
    child.start()
    numbers = set()
    for restarts in range(4):
        await until(lambda: len(ear.lines) == restarts + 1)  # noqa: B023 - used in this turn
        await ready(child)
        assert child.restarts == restarts
        assert child.pid is not None
        numbers.add(child.pid)
        os.kill(child.pid, signal.SIGKILL)
    await until(lambda: len(ear.pauses) == 4)
    await until(lambda: len(ear.lines) == 5)
    await child.stop()
    assert len(numbers) == 4
    bounds = [0.5, 1, 2, 4]
    assert all(bound / 2 <= each <= bound for bound, each in zip(bounds, ear.pauses, strict=True))


async def test_ctrl_c_is_told_by_us_alone() -> None:
    """A child has a session of its own, so that a terminal's signals reach the supervisor only."""
    ear = Ear()
    child = ear.child(program(STANDS))
    child.start()
    await until(lambda: ear.lines)
    assert child.pid is not None
    assert os.getsid(child.pid) == child.pid
    await child.stop()


async def test_an_end_that_nobody_asked_for_is_a_fall() -> None:
    """Exit code 0 is none the better for it."""
    ear = Ear()
    child = ear.child(program("print('bye')"))
    child.start()
    await until(lambda: len(ear.pauses) >= 2)
    await child.stop()
    assert child.state is State.STOPPED


async def test_a_wrong_setting_is_final() -> None:
    """Exit code 2 ends it for good, with the last line that it wrote."""
    ear = Ear()
    child = ear.child(
        program(
            "import sys; print('x', flush=True); print('http.port', file=sys.stderr); sys.exit(2)"
        )
    )
    async with asyncio.timeout(PATIENCE):
        assert await child.start() == "http.port"
    assert ear.pauses == []
    assert ear.lines == [("small", "x"), ("small", "http.port")]


async def test_who_hears_it_has_gone() -> None:
    """A child whose lines can't be passed on is read all the same: a full pipe would freeze it."""

    def gone(_name: str, _line: bytes) -> None:
        raise BrokenPipeError

    script = "import sys; print(('x' * 99 + chr(10)) * 9999); print('last'); sys.exit(2)"
    child = Child(program(script), gone, Backoff(MovingClock()))
    task = child.start()
    await until(task.done)
    assert task.result() == "last"


async def test_what_is_not_there_is_told() -> None:
    """A program that can't be run is a sentence."""
    child = Ear().child(program(STANDS, folder="/nowhere"))
    with pytest.raises(Unable, match="small can't be started"):
        await child.start()


async def test_it_is_asked_to_end_and_then_made_to(tmp_path: Path) -> None:
    """Who ends as asked ended well; who does not is killed after its grace, with its children."""
    polite = Ear().child(program(STANDS))
    polite.start()
    await ready(polite)
    await polite.stop()
    assert polite.well
    ear = Ear()
    deaf = ear.child(
        program(
            "import signal, subprocess, sys, time\n"
            "signal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
            "grand = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
            "print(grand.pid, flush=True); time.sleep(600)",
            grace=0.2,
        )
    )
    deaf.start()
    await until(lambda: ear.lines)
    await deaf.stop()
    assert not deaf.well
    assert deaf.state is State.STOPPED
    await until(lambda: not alive(int(ear.lines[0][1])))


async def test_nothing_of_a_fallen_child_stays() -> None:
    """What it had started ends with it, also when that holds its pipe; then it is started again."""
    ear = Ear()
    child = ear.child(
        program(
            "import subprocess, sys, time\n"
            "grand = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
            "print(grand.pid, flush=True); time.sleep(600)"
        )
    )
    child.start()
    await until(lambda: ear.lines)
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    await until(lambda: len(ear.lines) == 2)
    await until(lambda: not alive(int(ear.lines[0][1])))
    await child.stop()


async def test_stopped_while_it_waits() -> None:
    """A child between two lives is stopped at once, and lives no more."""
    waits = asyncio.Event()

    async def pause(_: float) -> None:
        waits.set()
        await asyncio.Event().wait()

    child = Ear().child(program("print('bye')"), pause)
    child.start()
    async with asyncio.timeout(PATIENCE):
        await waits.wait()
        await child.stop()
    assert child.pid is None
    assert child.well


async def test_killed_for_good() -> None:
    """A child that is killed on our behalf has not fallen: it lives no more."""
    ear = Ear()
    child = ear.child(program(STANDS))
    task = child.start()
    await ready(child)
    await until(lambda: ear.lines)
    child.kill()
    async with asyncio.timeout(PATIENCE):
        await asyncio.wait([task])
        await child.stop()
    assert not child.well
    assert ear.lines == [("small", "stands")]


async def test_killed_while_it_waits() -> None:
    """A child that is killed between two lives lives no more."""
    waits = asyncio.Event()

    async def pause(_: float) -> None:
        waits.set()
        await asyncio.Event().wait()

    child = Ear().child(program("print('bye')"), pause)
    task = child.start()
    async with asyncio.timeout(PATIENCE):
        await waits.wait()
        child.kill()
        await asyncio.wait([task])
        await child.stop()
    assert child.pid is None
    assert child.state is State.STOPPED


async def test_stopped_while_it_is_asked() -> None:
    """A yes that comes after it was told to end does not make it one that is to be kept."""
    says = asyncio.Event()

    async def answers() -> bool:
        await says.wait()
        return True

    ear = Ear()
    child = ear.child(
        program(
            "import os, signal, sys, time\n"
            "signal.signal(signal.SIGTERM, lambda *_: os.write(1, b'told\\n'))\n"
            "signal.signal(signal.SIGUSR1, lambda *_: sys.exit())\n"
            "print('stands', flush=True)\n"
            "while True: time.sleep(600)",
            ready=answers,
        )
    )
    child.start()
    await until(lambda: ear.lines)
    stopping = asyncio.create_task(child.stop())
    await until(lambda: ("small", "told") in ear.lines)
    says.set()
    assert child.pid is not None
    os.kill(child.pid, signal.SIGUSR1)
    async with asyncio.timeout(PATIENCE):
        await stopping
    assert child.well
    assert ear.lines == [("small", "stands"), ("small", "told")]


async def test_ready_is_asked_for_each_life() -> None:
    """It counts as starting until it says that it is ready, and again after a fall."""
    says = False

    async def answers() -> bool:
        return says

    ear = Ear()
    child = ear.child(program(STANDS, ready=answers))
    child.start()
    await until(lambda: ear.lines)
    assert child.state is State.STARTING
    says = True
    await ready(child)
    says = False
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    await until(lambda: len(ear.lines) == 2)
    assert child.state is State.STARTING
    await child.stop()


def alive(number: int) -> bool:
    """Tell whether there is such a process, and not only its remains."""
    try:
        return psutil.Process(number).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


async def test_children_die_with_their_parent() -> None:
    """However the supervisor ends, the kernel ends what it has started."""
    script = (
        "import asyncio\n"
        "from tests.integration.supervisor.programs import STANDS, program\n"
        "from meeting.app.supervisor.process import spawn\n"
        "async def main():\n"
        "    process = await spawn(program(STANDS))\n"
        "    await process.follow(lambda line: print(process.pid, flush=True))\n"
        "asyncio.run(main())\n"
    )
    root = Path(__file__).parents[3]
    parent = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", script), stdout=asyncio.subprocess.PIPE, cwd=root
    )
    assert parent.stdout is not None
    number = int(await parent.stdout.readline())
    assert alive(number)
    parent.kill()
    await parent.wait()
    await until(lambda: not alive(number))
