"""The state folder belongs to one process, and keeps the secrets that are made into it."""

import os
import stat
from pathlib import Path

import pytest

from meeting.app.state import Held, State


def test_secret_is_made_once(tmp_path: Path) -> None:
    """The first use makes a long secret, later ones and later processes find the same."""
    state = State(tmp_path / "state")
    first = state.secret("signing").reveal()
    assert len(first) >= 32
    assert state.secret("signing").reveal() == first
    assert state.secret("other").reveal() != first
    state.release()
    again = State(tmp_path / "state")
    assert again.secret("signing").reveal() == first
    again.release()


def test_only_its_user_reads_it(tmp_path: Path) -> None:
    """Folder and secret are closed to everybody else."""
    state = State(tmp_path / "state")
    state.secret("signing")
    assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
    assert stat.S_IMODE((tmp_path / "state" / "signing.key").stat().st_mode) == 0o600
    state.release()


def test_half_written_secret(tmp_path: Path) -> None:
    """What a crash left behind while a secret was made is no secret."""
    state = State(tmp_path)
    left = [tmp_path / f"signing.{each}.new" for each in (os.getpid(), "0123456789abcdef")]
    for path in left:
        path.write_text("abc")
    assert len(state.secret("signing").reveal()) >= 32
    assert [path.read_text() for path in left] == ["abc", "abc"]
    state.release()


def test_processes_of_one_number(tmp_path: Path) -> None:
    """Containers on one folder all have the same process number: none takes another's draft."""
    first, second = State(tmp_path, guest=True), State(tmp_path, guest=True)
    made: list[str] = []

    def slow() -> str:
        made.append(second._kept("signing.key", lambda: "theirs"))
        return "ours"

    assert first._kept("signing.key", slow) == "theirs"
    assert made == ["theirs"]
    assert (tmp_path / "signing.key").read_text() == "theirs"


def test_empty_secret(tmp_path: Path) -> None:
    """A secret of nothing would be known to all: it is refused with what to do."""
    state = State(tmp_path)
    (tmp_path / "signing.key").write_text("\n")
    with pytest.raises(Held, match=r"signing\.key is empty.*remove it"):
        state.secret("signing")
    state.release()


def test_a_folder_that_can_not_be_made(tmp_path: Path) -> None:
    """A path that is no folder, or lies below none, is refused with what to do."""
    (tmp_path / "file").touch()
    for path in (tmp_path / "file", tmp_path / "file" / "below"):
        with pytest.raises(Held, match="--state-dir"):
            State(path)


def test_one_process(tmp_path: Path) -> None:
    """A second process is refused with what to do, and let in when the first has gone."""
    first = State(tmp_path)
    with pytest.raises(Held, match="--state-dir"):
        State(tmp_path)
    first.release()
    State(tmp_path).release()


def test_parts_of_one_house(tmp_path: Path) -> None:
    """Processes with different parts share a folder and its secrets; each part is there once."""
    users, meetings = State(tmp_path, parts=["user"]), State(tmp_path, parts=["meeting", "ai"])
    assert users.secret("signing").reveal() == meetings.secret("signing").reveal()
    assert len({users.name, meetings.name}) == 2
    with pytest.raises(Held, match=r"has ai on"):
        State(tmp_path, parts=["user", "ai"])
    users.release()
    State(tmp_path, parts=["user"]).release()
    meetings.release()


def test_parts_and_the_whole(tmp_path: Path) -> None:
    """A whole house and a part of another never share a folder."""
    whole = State(tmp_path)
    with pytest.raises(Held, match="this folder"):
        State(tmp_path, parts=["user"])
    whole.release()
    part = State(tmp_path, parts=["user"])
    with pytest.raises(Held, match="this folder"):
        State(tmp_path)
    part.release()


def test_name_stays(tmp_path: Path) -> None:
    """A process finds its name again after a restart, whatever order its parts are named in."""
    first = State(tmp_path, parts=["user", "ai"])
    name = first.name
    first.release()
    again = State(tmp_path, parts=["ai", "user"])
    assert again.name == name
    again.release()


def test_processes_that_start_together(tmp_path: Path) -> None:
    """Whoever makes a secret first has made it for all; nobody puts another in its place."""
    state = State(tmp_path, guest=True)

    def late() -> str:
        (tmp_path / "signing.key").write_text("first")
        return "too late"

    assert state._kept("signing.key", late) == "first"
    assert [path.name for path in tmp_path.glob("*.new")] == []
