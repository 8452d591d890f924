"""All children together; the programs are real."""

import asyncio

import pytest

from meeting.app.config import Wrong
from meeting.app.supervisor.child import State
from meeting.app.supervisor.crew import Crew
from tests.integration.supervisor.programs import STANDS, Ear, program

PATIENCE = 30
LATE = (
    "import signal, sys, time\n"
    "def end(*_): time.sleep(.2); print('ends', flush=True); sys.exit()\n"
    "signal.signal(signal.SIGTERM, end); print('stands', flush=True); time.sleep(600)"
)


async def test_the_last_started_is_the_first_to_end() -> None:
    """Each is told to end when those that were started after it have ended."""
    ear, crew = Ear(), Crew()
    names = ["user", "meeting", "gateway"]
    async with asyncio.timeout(PATIENCE):
        for name in names:
            await crew.start([ear.child(program(LATE, name))])
            while (name, "stands") not in ear.lines:
                await asyncio.sleep(0.02)
        assert await crew.stop()
    assert [name for name, line in ear.lines if line == "ends"] == names[::-1]


async def test_started_is_ready() -> None:
    """Starting returns when every child is ready, and shows how they stand meanwhile."""
    says = asyncio.Event()

    async def ready() -> bool:
        return says.is_set()

    shown: list[list[State]] = []
    crew = Crew(lambda children: shown.append([child.state for child in children]))
    children = [Ear().child(program(STANDS, "a")), Ear().child(program(STANDS, "b", ready=ready))]
    starting = asyncio.create_task(crew.start(children))
    async with asyncio.timeout(PATIENCE):
        while [State.READY, State.STARTING] not in shown:
            await asyncio.sleep(0.02)
        assert not starting.done()
        says.set()
        await starting
        await crew.stop()
    assert shown[-1] == [State.READY, State.READY]


async def test_a_wrong_setting_ends_the_watch() -> None:
    """What no restart heals is raised with the child's name and words, whenever it was started."""
    ear, crew = Ear(), Crew()
    watching = asyncio.create_task(crew.watch())
    async with asyncio.timeout(PATIENCE):
        await crew.start([ear.child(program(STANDS, "user"))])
        wrong = program("import sys; print('no such port'); sys.exit(2)", "ai")
        starting = asyncio.create_task(crew.start([ear.child(wrong)]))
        with pytest.raises(Wrong, match="ai: no such port"):
            await watching
        starting.cancel()
        await crew.stop()


async def test_killed_at_once() -> None:
    """Nobody is waited for or started again, not even who was not yet told to end."""
    ear, crew = Ear(), Crew()
    deaf = f"import signal; signal.signal(15, signal.SIG_IGN); {STANDS}"
    children = [ear.child(program(deaf, name, grace=600.0)) for name in ("first", "last")]
    async with asyncio.timeout(PATIENCE):
        await crew.start(children)
        while len(ear.lines) < 2:
            await asyncio.sleep(0.02)
        stopping = asyncio.create_task(crew.stop())
        while children[1].state is not State.STOPPING:
            await asyncio.sleep(0.02)
        crew.kill()
        assert not await stopping
    assert sorted(ear.lines) == [("first", "stands"), ("last", "stands")]
    assert [child.restarts for child in children] == [0, 0]
